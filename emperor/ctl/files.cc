#include "emperor/ctl/files.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "emperor/domain_policy.h"
#include "emperor/views.h"
#include "vassal/explain.h"
#include "vassal/ids.h"
#include "vassal/layers.h"
#include "vassal/reader.h"

namespace emperor::ctl {

namespace {

using nlohmann::json;

std::vector<base::Setting> layer(const std::string& file, bool* bad) {
  if (file.empty()) return {};
  vassal::ReadOptions options;
  options.for_many = true;
  options.links = base::Links::follow;
  auto read = vassal::read_vassal_file(file, options);
  if (const auto* error = read.first_error()) {
    std::fprintf(stderr, "%s\n", error->message().c_str());
    *bad = true;
  }
  return std::move(read.settings);
}

vassal::ReadResult read(const std::string& file) {
  vassal::ReadOptions options;
  options.links = base::Links::follow;
  return vassal::read_vassal_file(file, options);
}

vassal::Layers layers_of(const vassal::ReadResult& read, const vassal::Layers& around) {
  vassal::Layers layers;
  layers.file = read.path;
  layers.vassal = read.settings;
  layers.defaults = vassal::fit_layer(around.defaults, read.path, read.settings,
                                      vassal::Placeholders::from_vassal);
  layers.policy = vassal::fit_layer(around.policy, read.path, read.settings,
                                    vassal::Placeholders::own_only);
  return layers;
}

/// What the emperor would say about the hosts of a file by itself, whoever holds them.
void add_refused_domains(const DomainPolicy& policy,
                         const vassal::Layers& layers,
                         vassal::Check* check) {
  const auto made = vassal::make_config(layers, vassal::system_names());
  Claimer claimer;
  claimer.name = std::filesystem::path(layers.file).stem();
  claimer.uid = made.config.uid;
  for (const auto& host : made.config.domains)
    if (const auto why = policy.refuse(claimer, host))
      check->diagnostics.push_back({vassal::Diagnostic::Level::warning,
                                    {layers.file, 0},
                                    "domain " + host + " is refused: " + *why});
}

DomainPolicy domain_policy(const FileOptions& options, bool* bad) {
  DomainPolicy policy;
  policy.rule = parse_domain_rule(options.domains).value_or(DomainRule::any);
  if (options.domains_list.empty()) return policy;
  const auto text = base::read_file(options.domains_list, 64 << 20);
  auto list =
      text ? DomainList::parse(*text, vassal::user_id) : std::unexpected(text.error());
  if (!list) {
    std::fprintf(stderr, "%s: %s\n", options.domains_list.c_str(),
                 list.error().message().c_str());
    *bad = true;
    return policy;
  }
  policy.list = *std::move(list);
  return policy;
}

json diagnostics_json(const vassal::Check& check) {
  json list = json::array();
  constexpr const char* kLevels[] = {"note", "warning", "error"};
  for (const auto& d : check.diagnostics)
    list.push_back({{"level", kLevels[static_cast<size_t>(d.level)]},
                    {"file", d.origin.file},
                    {"line", d.origin.line},
                    {"text", d.text}});
  return list;
}

}  // namespace

int check_files(const std::vector<std::string>& files, const FileOptions& options) {
  bool bad = false;
  vassal::Layers around;
  around.defaults = layer(options.defaults, &bad);
  around.policy = layer(options.policy, &bad);
  const DomainPolicy domains = domain_policy(options, &bad);
  json list = json::array();
  for (const auto& file : files) {
    const auto result = read(file);
    auto check = vassal::check(result, vassal::system_names(), around);
    add_refused_domains(domains, layers_of(result, around), &check);
    bad = bad || !check.usable;
    if (options.json)
      list.push_back({{"file", file},
                      {"usable", check.usable},
                      {"diagnostics", diagnostics_json(check)}});
    else
      std::fputs((vassal::check_text(
                      check, options.notes ? vassal::Notes::show : vassal::Notes::hide) +
                  file + (check.usable ? ": can be served\n" : ": is refused\n"))
                     .c_str(),
                 stdout);
  }
  if (options.json)
    std::puts(list.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  return bad ? 2 : 0;
}

int explain_file(const std::string& file, const FileOptions& options) {
  bool bad = false;
  vassal::Layers around;
  around.defaults = layer(options.defaults, &bad);
  around.policy = layer(options.policy, &bad);
  const auto result = read(file);
  if (const auto* error = result.first_error()) {
    std::fprintf(stderr, "%s\n", error->message().c_str());
    bad = true;
  }
  const auto values = vassal::explain(layers_of(result, around));
  std::puts(options.json ? explained_json(values).c_str()
                         : vassal::explain_text(values).c_str());
  return bad ? 1 : 0;
}

std::string explained_text(const std::string& text) {
  std::vector<vassal::Explained> values;
  for (const auto& entry : json::parse(text, nullptr, false))
    values.push_back({entry.value("key", ""), entry.value("value", ""),
                      entry.value("origin", ""), entry.value("layer", ""),
                      entry.value("treatment", ""),
                      entry.value("overridden", std::vector<std::string>())});
  return vassal::explain_text(values);
}

}  // namespace emperor::ctl
