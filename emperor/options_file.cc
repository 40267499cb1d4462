#include "emperor/options_file.h"

#include <set>

#include "base/files.h"
#include "base/ini.h"
#include "emperor/options_uwsgi.h"
#include "vassal/reader.h"

namespace emperor {

namespace {

/// The sections that the file has lines of.
std::set<std::string> sections_of(const std::string& path, OptionFaults* faults) {
  std::set<std::string> sections;
  const auto text = base::read_file(path, 1 << 20);
  if (!text) {
    faults->lines.push_back(text.error().message());
    return sections;
  }
  for (const auto& line : base::parse_ini(*text).lines)
    sections.insert(line.section);
  return sections;
}

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
  const auto sections = sections_of(path, faults);
  if (sections.contains("uwsgi")) {
    std::vector<base::Setting> known;
    for (auto& setting : section_of(path, "uwsgi", faults)) {
      if (is_known(setting))
        known.push_back(std::move(setting));
      else if (!setting.placeholder)
        options->notes.push_back(setting.origin.text() + ": " + setting.key +
                                 " has no effect in the emperor's file");
    }
    apply(known, options, faults);
  }
  if (!sections.contains("emperor")) return;
  auto own = section_of(path, "emperor", faults);
  std::erase_if(own, [](const base::Setting& setting) {
    return setting.placeholder && !is_known(setting);
  });
  apply(own, options, faults);
}

}  // namespace emperor
