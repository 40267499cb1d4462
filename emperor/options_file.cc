#include "emperor/options_file.h"

#include "emperor/options_uwsgi.h"
#include "vassal/reader.h"

namespace emperor {

namespace {

std::vector<base::Setting> section_of(const std::string& path,
                                      const std::string& section,
                                      OptionFaults* faults) {
  vassal::ReadOptions options;
  options.links = base::Links::follow;
  options.sections = {section};
  auto read = vassal::read_vassal_file(path, options);
  for (const auto& diagnostic : read.diagnostics)
    if (diagnostic.level == vassal::Diagnostic::Level::error)
      faults->lines.push_back(diagnostic.origin.text() + ": " + diagnostic.text);
  return std::move(read.settings);
}

bool is_known(const base::Setting& setting) {
  return is_option(setting.key) || find_uwsgi_option(setting.key) != nullptr;
}

}  // namespace

void apply_file(const std::string& path, Options* options, OptionFaults* faults) {
  std::vector<base::Setting> known;
  const size_t before = faults->lines.size();
  const auto shared = section_of(path, "uwsgi", faults);
  const bool readable = faults->lines.size() == before;
  for (const auto& setting : shared) {
    if (is_known(setting))
      known.push_back(setting);
    else if (!setting.placeholder)
      options->notes.push_back(setting.origin.text() + ": " + setting.key +
                               " has no effect in the emperor's file");
  }
  apply(known, options, faults);
  if (!readable) return;  // that would be told twice
  std::vector<base::Setting> own;
  for (auto& setting : section_of(path, "emperor", faults))
    if (!setting.placeholder || is_known(setting)) own.push_back(std::move(setting));
  apply(own, options, faults);
}

}  // namespace emperor
