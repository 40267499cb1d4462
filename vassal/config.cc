// Walks the three layers through the option table, then what belongs together.
#include "vassal/config.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "vassal/build.h"
#include "vassal/command_plan.h"
#include "vassal/options.h"
#include "vassal/sockets.h"

namespace vassal {

namespace {

using base::Setting;
using base::Treatment;
using base::ValueType;
using Level = Diagnostic::Level;

enum class Layer { defaults, vassal, policy };

class Maker {
 public:
  Maker(const Layers& layers, const Names& names, const Surroundings& around)
      : layers_(layers), build_{names, around} {}

  Parsed run();

 private:
  void find_strict();
  void apply_first(std::string_view key);
  void walk(const std::vector<Setting>& settings, Layer layer);
  void take(const Setting& s, Layer layer);
  bool may_set(const Setting& s, const Row& row, Layer layer);
  void unknown(const Setting& s);
  void look_at_value(const Setting& s, const Row& row);
  void settle_ids();
  void settle_application();
  void settle_command();
  void settle_domains();
  void sort_diagnostics();

  const Layers& layers_;
  ConfigBuild build_;
  bool strict_ = false;
  std::set<std::string_view> told_unknown_;
  Setting whole_file_;  // an origin for what no single line is to blame for
};

Parsed Maker::run() {
  whole_file_.origin.file = layers_.file;
  if (layers_.file.empty() && !layers_.vassal.empty())
    whole_file_.origin.file = layers_.vassal.front().origin.file;
  const std::string& file = whole_file_.origin.file;
  if (const size_t slash = file.rfind('/'); slash != file.npos && slash > 0)
    build_.config.directory = file.substr(0, slash);
  find_strict();
  apply_first("chdir");
  // It decides what a subscription means, wherever its line stands.
  for (const Setting& s : layers_.policy)
    if (s.key == "own-router") build_.around.own_routers.push_back(s.value);
  build_.socket_directory =
      build_.config.chdir.empty() ? build_.config.directory : build_.config.chdir;
  walk(layers_.defaults, Layer::defaults);
  walk(layers_.vassal, Layer::vassal);
  walk(layers_.policy, Layer::policy);
  settle_ids();
  settle_application();
  settle_sockets(build_);
  settle_command();
  settle_domains();
  sort_diagnostics();
  return {std::move(build_.config), std::move(build_.diagnostics)};
}

void Maker::find_strict() {
  for (const auto* layer : {&layers_.defaults, &layers_.vassal, &layers_.policy})
    for (const Setting& s : *layer)
      if (s.key == "strict") strict_ = base::parse_flag(s.value);
}

void Maker::apply_first(std::string_view key) {
  const auto* row = option_table().find(key);
  for (const auto* layer : {&layers_.defaults, &layers_.vassal, &layers_.policy})
    for (const Setting& s : *layer)
      if (s.key == key) row->apply(build_, s);
  build_.diagnostics.clear();  // told again when its turn comes
}

void Maker::walk(const std::vector<Setting>& settings, Layer layer) {
  for (const Setting& s : settings)
    take(s, layer);
}

void Maker::take(const Setting& s, Layer layer) {
  const Row* row = option_table().find(s.key);
  if (row == nullptr) return unknown(s);
  if (!may_set(s, *row, layer)) return;
  look_at_value(s, *row);
  build_.own_file = layer == Layer::vassal;
  if (row->apply != nullptr) return row->apply(build_, s);
  switch (row->treatment) {
    case Treatment::honoured:
    case Treatment::mapped:
      break;
    case Treatment::ignored:
      build_.tell(Level::note, s, fmt::format("{} is ignored: {}", s.key, row->help));
      break;
    case Treatment::missing:
      if (row->type != ValueType::flag || base::parse_flag(s.value))
        build_.warn(s, fmt::format("{} has no effect: {}", s.key, row->help));
      break;
    case Treatment::refused:
      build_.error(s, fmt::format("{} is refused: {}", s.key, row->help));
      break;
  }
}

bool Maker::may_set(const Setting& s, const Row& row, Layer layer) {
  const bool by_tenant = layer == Layer::vassal && layers_.author == Author::tenant;
  if (!by_tenant || row.set_by == base::SetBy::tenant) return true;
  build_.warn(s, fmt::format("{} is ignored: only the operator may set it", s.key));
  return false;
}

void Maker::unknown(const Setting& s) {
  if (s.placeholder) return;
  if (!told_unknown_.insert(s.key).second && !strict_) return;
  if (is_uwsgi_name(s.key))
    return build_.warn(
        s, fmt::format("{} has no effect: this uWSGI option is not available", s.key));
  // every comparison with all names costs some microseconds: a hostile file has thousands
  // of keys
  constexpr size_t kMostGuesses = 32;
  const auto nearest = told_unknown_.size() <= kMostGuesses
                           ? option_table().nearest(s.key)
                           : std::string_view();
  build_.tell(strict_ ? Level::error : Level::warning, s,
              nearest.empty() ? fmt::format("unknown option '{}'", s.key)
                              : fmt::format("unknown option '{}': did you mean '{}'?",
                                            s.key, nearest));
}

// What people write by habit from other ini dialects stays in the value here, as in
// uWSGI.
void Maker::look_at_value(const Setting& s, const Row& row) {
  const std::string& value = s.value;
  if (row.type == ValueType::format || row.type == ValueType::command) return;
  const auto comment = std::min(std::min(value.find(" ;"), value.find("\t;")),
                                std::min(value.find(" #"), value.find("\t#")));
  if (comment != value.npos)
    build_.warn(
        s, fmt::format("'{}' is part of the value: there are no comments behind values",
                       value.substr(comment + 1)));
  const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                      (value.front() == '"' || value.front() == '\'');
  if (quoted)
    build_.warn(s, fmt::format("the quotes are part of the value of '{}'", s.key));
  if (value.find("%(") != value.npos)
    build_.warn(s, fmt::format("'{}' holds a placeholder that nothing defines", value));
  if (row.type == ValueType::flag && comment == value.npos && !base::is_flag_word(value))
    build_.warn(s, fmt::format("'{}' counts as true", value));
}

void Maker::settle_ids() {
  VassalConfig& config = build_.config;
  if (!config.uid) return;
  if (auto name = build_.names.name_of(*config.uid)) config.user_name = *std::move(name);
  if (config.gid) return;
  config.gid = build_.names.primary_gid_of(*config.uid);
  if (config.gid) return;
  config.gid = config.uid;
  build_.warn(
      whole_file_,
      fmt::format("uid {0} has no entry in the user database and no gid is given: "
                  "gid {0} is used",
                  *config.uid));
}

void Maker::settle_application() {
  const VassalConfig& c = build_.config;
  const bool any = !c.wsgi_file.empty() || !c.module.empty() || !c.mounts.empty() ||
                   !c.command.empty() || !c.static_maps.empty();
  // a file without any setting has been told so by its reader
  if (!any && !layers_.vassal.empty())
    build_.error(whole_file_,
                 "no application: none of wsgi-file, module, mount and command is set");
}

/// A command serves its sockets itself: no worker of ours sees its requests.
void Maker::settle_command() {
  VassalConfig& c = build_.config;
  if (c.command.empty()) return;
  c.runtime = "command";
  c.command_type = build_.command_type.value_or(
      looks_like_uwsgi(c.command) ? CommandType::uwsgi : CommandType::simple);
  if (!c.domains.empty() && !relay_target(c)) {
    build_.warn(whole_file_,
                "domain has no effect beside command without a socket: the fastrouter "
                "reaches a command through the first one that has a known address");
    c.domains.clear();
  }
  if (!c.health_check.empty())
    build_.warn(whole_file_, "health-check has no effect beside command");
  if (c.idle.count() > 0)
    build_.warn(whole_file_,
                "idle has no effect beside command: its requests are not seen");
  c.idle = {};
}

void Maker::settle_domains() {
  auto& domains = build_.config.domains;
  std::set<std::string> seen;
  std::erase_if(domains, [&](const std::string& d) { return !seen.insert(d).second; });
}

// By file, in the order in which the files speak up first, then by line; what no line is
// to blame for comes last, since a line says more.
void Maker::sort_diagnostics() {
  std::map<std::string, size_t> rank;
  // the last part keeps the order of those on one line
  std::map<std::tuple<size_t, uint32_t, size_t>, Diagnostic> sorted;
  for (Diagnostic& d : build_.diagnostics) {
    const size_t file = rank.try_emplace(d.origin.file, rank.size()).first->second;
    const uint32_t line = d.origin.line == 0 ? UINT32_MAX : d.origin.line;
    const std::tuple place(file, line, sorted.size());
    sorted.emplace(place, std::move(d));
  }
  build_.diagnostics.clear();
  for (auto& [place, d] : sorted)
    build_.diagnostics.push_back(std::move(d));
}

}  // namespace

const Diagnostic* Parsed::first_error() const {
  const auto it = std::ranges::find(diagnostics, Level::error, &Diagnostic::level);
  return it == diagnostics.end() ? nullptr : &*it;
}

Parsed make_config(const Layers& layers, const Names& names, const Surroundings& around) {
  return Maker(layers, names, around).run();
}

}  // namespace vassal
