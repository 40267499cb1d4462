#include "emperor/options_uwsgi.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/values.h"
#include "vassal/hooks.h"

namespace emperor {

namespace {

using enum Fate;

std::string needs_value(const std::string& value) {
  return value.empty() ? "needs a value" : "";
}

template <std::string Options::* member>
std::string text(Options& o, const std::string& value) {
  o.*member = value;
  return needs_value(value);
}

template <std::vector<std::string> Options::* member>
std::string add(Options& o, const std::string& value) {
  (o.*member).push_back(value);
  return needs_value(value);
}

/// A literal as a template argument.
struct HookName {
  char text[16];
  constexpr HookName(const char* name) {  // NOLINT: it is meant to convert
    for (char& c : text)
      c = *name == '\0' ? '\0' : *name++;
  }
};

template <bool Options::* member>
std::string flag(Options& o, const std::string& value) {
  o.*member = base::parse_flag(value);
  return base::is_flag_word(value) ? "" : fmt::format("'{}' counts as true", value);
}

template <std::chrono::seconds Options::* member>
std::string seconds(Options& o, const std::string& value) {
  const auto parsed = base::parse_duration(value);
  if (!parsed || parsed->count() == 0) return fmt::format("'{}' is no time", value);
  o.*member = *parsed;
  return {};
}

std::string add_extension(Options& o, const std::string& value) {
  constexpr std::array kOthers = {".xml", ".yml", ".yaml", ".js", ".json"};
  if (value.size() < 2 || value.find('/') != value.npos)
    return fmt::format("'{}' is no suffix such as .vassal", value);
  if (std::ranges::find(kOthers, value) != kOthers.end())
    return fmt::format("{} files cannot be read, only the ini dialect can", value);
  o.extensions.push_back(value);
  return {};
}

std::string add_setting(Options& o, const std::string& value) {
  const size_t equals = value.find('=');
  if (equals == value.npos || equals == 0)
    return fmt::format("'{}' is not key=value", value);
  o.vassal_settings.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  return {};
}

std::string set_patience(Options& o, const std::string& value) {
  if (!base::parse_duration(value)) return fmt::format("'{}' is no time", value);
  o.vassal_settings.emplace_back("reload-mercy", value);
  return {};
}

std::string set_processes(Options& o, const std::string& value) {
  const auto number = base::parse_unsigned(value);
  if (!number || *number == 0 || *number > 256)
    return fmt::format("'{}' is not a number from 1 to 256", value);
  o.router_processes = static_cast<uint32_t>(*number);
  return {};
}

/// uWSGI listens everywhere when no host is named; figures are nobody else's business.
std::string set_stats(Options& o, const std::string& value) {
  o.stats = value.starts_with(':') ? "127.0.0.1" + value : value;
  return needs_value(value);
}

std::string set_router_stats(Options& o, const std::string& value) {
  o.router_stats = value.starts_with(':') ? "127.0.0.1" + value : value;
  return needs_value(value);
}

template <HookName name>
std::string add_hook(Options& o, const std::string& value) {
  const auto hook = vassal::parse_hook(name.text, value);
  if (!hook) return hook.error().context;
  o.hooks.emplace_back(name.text, value);
  return {};
}

/// uWSGI gives the vassal's name as the argument of the command.
std::string set_start_hook(Options& o, const std::string& value) {
  o.hooks.emplace_back("exec-as-vassal", value + " \"$UWSGI_VASSAL\"");
  return needs_value(value);
}

// clang-format off
constexpr UwsgiOption kTable[] = {
    {"vassal-set vassals-set", "KEY=VALUE", honoured, "a setting in front of every vassal file; %n and the like speak of that file", add_setting},
    {"vassals-include-before vassals-inherit-before", "FILE", honoured, "ini below every vassal file, like defaults", add<&Options::include_before>},
    {"vassals-include vassals-inherit", "FILE", honoured, "ini above every vassal file, like policy", add<&Options::include_behind>},
    {"emperor-extra-extension emperor-extra-ext", "SUFFIX", honoured, "directories hold vassal files with this suffix, too", add_extension},
    {"emperor-tyrant tyrant", "", honoured, "a vassal runs as the owner of its file, who may set what tenants may", flag<&Options::tyrant>},
    {"emperor-nofollow", "", honoured, "watch symbolic links themselves, not what they point to", flag<&Options::nofollow>},
    {"emperor-on-demand-extension emperor-on-demand-ext", "SUFFIX", honoured, "the address in FILE+SUFFIX becomes socket = and start = lazy", text<&Options::on_demand_extension>},
    {"emperor-on-demand-directory emperor-on-demand-dir", "DIR", honoured, "every vassal gets socket = DIR/%n.socket and start = lazy", text<&Options::on_demand_directory>},
    {"emperor-stats emperor-stats-server", "PATH|HOST:PORT", honoured, "figures as JSON for whoever connects (no host: 127.0.0.1)", set_stats},
    {"fastrouter-stats fastrouter-stats-server fastrouter-ss", "PATH|HOST:PORT", honoured, "figures of the fastrouter as JSON for whoever connects (no host: 127.0.0.1)", set_router_stats},
    {"emperor-pidfile", "PATH", honoured, "file with the pid of the emperor", text<&Options::pidfile>},
    {"emperor-required-heartbeat", "SECONDS", honoured, "longest silence of a vassal that sends heartbeats (30)", seconds<&Options::required_heartbeat>},

    {"exec-as-emperor", "COMMAND", honoured, "run as root behind each start of a vassal, with UWSGI_VASSAL_PID and the like", add_hook<"exec-as-emperor">},
    {"hook-as-emperor", "exec:COMMAND", honoured, "the same", add_hook<"hook-as-emperor">},
    {"exec-as-vassal", "COMMAND", honoured, "run as the vassal's user before each start", add_hook<"exec-as-vassal">},
    {"hook-as-vassal", "ACTION:ARGUMENTS", honoured, "the same", add_hook<"hook-as-vassal">},
    {"vassals-start-hook", "COMMAND", honoured, "exec-as-vassal with the vassal's name as argument", set_start_hook},
    {"vassals-stop-hook", "COMMAND", honoured, "run as root when a vassal is gone, with its name as argument", add<&Options::stop_hooks>},

    {"emperor-freq", "SECONDS", mapped, "rescan: changes are noticed at once anyway", seconds<&Options::rescan>},
    {"emperor-curse-tolerance", "SECONDS", mapped, "reload-mercy of vassals that do not say otherwise", set_patience},
    {"fastrouter", "PATH|HOST:PORT", mapped, "router-uwsgi", add<&Options::router_uwsgi>},
    {"fastrouter-processes", "N", mapped, "router-processes", set_processes},
    {"fastrouter-subscription-server http-subscription-server", "PATH|HOST:PORT", mapped, "router-subscriptions", add<&Options::router_subscriptions>},
    {"http http-router", "HOST:PORT", mapped, "router-http", add<&Options::router_http>},

    {"emperor-throttle emperor-max-throttle", "MS", ignored, "starts are bounded by the CPUs, not slowed down; who keeps failing waits up to a minute"},
    {"emperor-no-blacklist", "", ignored, "a changed file, or `emperorctl start`, ends the wait of a vassal that keeps failing"},
    {"emperor-graceful-shutdown", "", ignored, "always so"},
    {"emperor-subreaper", "", ignored, "always so: the keeper is"},
    {"emperor-procname early-emperor", "NAME", ignored, "the emperor is a program of its own"},
    {"emperor-cap vassals-cap vassal-cap", "CAPS", ignored, "a vassal keeps no capability"},
    {"emperor-wrapper emperor-wrapper-override emperor-wrapper-fallback", "PATH", ignored, "vassals run the vassal program (vassal-program)"},
    {"emperor-tyrant-initgroups emperor-tyrant-nofollow", "", ignored, "a tenant's link is never followed, and his groups are his own"},
    {"emperor-proxy-socket emperor-trigger-socket emperor-use-fork-server vassal-fork-base emperor-fork-server-attr", "", ignored, "the emperor starts its vassals itself"},
    {"emperor-collect-attribute emperor-collect-attr emperor-wrapper-attr emperor-chdir-attr", "", ignored, "attributes are not used: write the option into the vassal's file"},
    {"master vacuum die-on-term no-orphans master-as-root enable-threads thunder-lock", "", ignored, "always so"},

    {"emperor-on-demand-exec", "COMMAND", missing, "not run: write the address into FILE+SUFFIX (emperor-on-demand-extension)"},
    {"emperor-magic-exec", "", missing, "vassal files are read, never executed"},
    {"emperor-use-clone", "FLAGS", missing, "vassals get no namespaces in this version"},
    {"emperor-broodlord", "N", missing, "a vassal has as many workers as `processes` says"},
    {"emperor-command-socket emperor-wait-for-command emperor-wait-for-command-ignore", "ADDR", missing, "use emperorctl, and start = lazy"},
    {"fastrouter-use-cache fastrouter-use-code-string fastrouter-use-socket fastrouter-zerg", "", missing, "hosts come from vassals, subscriptions, fastrouter-use-pattern, fastrouter-use-base and fastrouter-to"},
    {"fastrouter-events fastrouter-harakiri fastrouter-buffer-size fastrouter-quiet fastrouter-cheap fastrouter-uid fastrouter-gid", "", ignored, "the fastrouter of an emperor has no such limit; its user is router-uid"},
};
// clang-format on

bool has_name(std::string_view names, std::string_view wanted) {
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == wanted) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

}  // namespace

std::span<const UwsgiOption> uwsgi_options() {
  return kTable;
}

const UwsgiOption* find_uwsgi_option(std::string_view name) {
  const auto row = std::ranges::find_if(
      kTable, [&](const UwsgiOption& o) { return has_name(o.names, name); });
  return name.empty() || row == std::end(kTable) ? nullptr : row;
}

std::string uwsgi_option_help() {
  std::string help = "\nOptions of uWSGI's emperor, by their names there:\n";
  for (const UwsgiOption& row : kTable) {
    const std::string_view first = row.names.substr(0, row.names.find(' '));
    const std::string left =
        fmt::format("  --{}{}{}", first, *row.value != '\0' ? "=" : "", row.value);
    const char* fate = row.fate == Fate::ignored   ? "ignored: "
                       : row.fate == Fate::missing ? "not available: "
                                                   : "";
    help += fmt::format("{:<44} {}{}\n", left, fate, row.help);
  }
  return help;
}

}  // namespace emperor
