#include "emperor/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/core.h>

#include "base/nearest.h"
#include "base/values.h"
#include "emperor/options_uwsgi.h"

namespace emperor {

namespace {

std::string parse_number(const std::string& text,
                         uint32_t low,
                         uint32_t high,
                         uint32_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (error == std::errc{} && end == text.data() + text.size() && *out >= low &&
      *out <= high)
    return {};
  return fmt::format("'{}' is not a number from {} to {}", text, low, high);
}

std::string parse_flag(const std::string& text, bool* out) {
  *out = text.empty() || text == "true" || text == "yes" || text == "on" || text == "1";
  if (*out || text == "false" || text == "no" || text == "off" || text == "0") return {};
  return fmt::format("'{}' is neither true nor false", text);
}

std::string parse_mode(const std::string& text, std::optional<mode_t>* out) {
  mode_t mode = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc{} || end != text.data() + text.size() || mode > 0777)
    return fmt::format("'{}' is not an octal mode such as 660", text);
  *out = mode;
  return {};
}

std::string parse_seconds(const std::string& text,
                          uint32_t low,
                          std::chrono::seconds* out) {
  uint32_t seconds = 0;
  auto fault = parse_number(text, low, 86400, &seconds);
  *out = std::chrono::seconds(seconds);
  return fault;
}

std::string parse_bytes(const std::string& text, uint64_t* out) {
  const auto size = base::parse_size(text);
  if (size) *out = *size;
  return size ? "" : fmt::format("'{}' is not a size such as 128M", text);
}

std::string one_of(const std::string& text, std::initializer_list<const char*> words) {
  std::string list;
  for (const char* word : words) {
    if (text == word) return {};
    list += list.empty() ? word : std::string("|") + word;
  }
  return fmt::format("'{}' is not one of {}", text, list);
}

template <std::string Options::* member>
std::string text(Options& o, const std::string& value) {
  o.*member = value;
  return value.empty() ? "needs a value" : "";
}

template <bool Options::* member>
std::string flag(Options& o, const std::string& value) {
  return parse_flag(value, &(o.*member));
}

template <std::vector<std::string> Options::* member>
std::string add(Options& o, const std::string& value) {
  (o.*member).push_back(value);
  return value.empty() ? "needs a value" : "";
}

/// Options that only the router understands go to it as they are.
std::string to_router(Options& o, const char* key, const std::string& value) {
  o.router_options.push_back(std::string("--") + key + "=" + value);
  return value.empty() ? "needs a value" : "";
}

/// A literal as a template argument.
struct Name {
  char text[40];
  constexpr Name(const char* name) {  // NOLINT: it is meant to convert
    for (char& c : text)
      c = *name == '\0' ? '\0' : *name++;
  }
};

template <Name name>
std::string pass(Options& o, const std::string& value) {
  return to_router(o, name.text, value);
}

template <Name name>
std::string pass_flag(Options& o, const std::string& value) {
  return to_router(o, name.text, value.empty() ? "true" : value);
}

constexpr auto kTable = std::to_array<OptionRow>({
    {"emperor", "DIR|GLOB", "where vassal files are (the same as a plain argument)",
     add<&Options::sources>},
    {"run-dir", "DIR", "sockets, pid files, logs and claims", text<&Options::run_dir>},
    {"control", "PATH", "socket for emperorctl (default: <run-dir>/control.sock)",
     text<&Options::control>},
    {"router-uwsgi", "PATH|HOST:PORT",
     "where the fastrouter takes the uwsgi protocol from nginx",
     add<&Options::router_uwsgi>},
    {"router-uwsgi-mode", "MODE", "mode of that socket's file (octal)",
     [](Options& o, const std::string& v) {
       return parse_mode(v, &o.router_uwsgi_mode);
     }},
    {"router-uwsgi-group", "GROUP", "group of that socket's file (www-data)",
     text<&Options::router_uwsgi_group>},
    {"router-http", "HOST:PORT", "where the fastrouter takes HTTP/1.1",
     add<&Options::router_http>},
    {"router-https", "HOST:PORT", "where the fastrouter takes HTTP/1.1 under TLS",
     add<&Options::router_https>},
    {"certificates", "DIR",
     "certificates and keys for router-https: NAME.crt and NAME.key, NAME.pem, or "
     "NAME/fullchain.pem and NAME/privkey.pem",
     text<&Options::certificates>},
    {"strict-sni", "true|false",
     "refuse TLS clients that ask for a name of no certificate (default: false)",
     [](Options& o, const std::string& v) {
       return to_router(o, "strict-sni", v.empty() ? "true" : v);
     }},
    {"proxy-protocol-from", "ADDRESS|NETWORK",
     "peers that must say by the PROXY protocol whom they connect for, over HTTP and TLS",
     [](Options& o, const std::string& v) {
       return to_router(o, "proxy-protocol-from", v);
     }},
    {"connections-per-peer", "N",
     "HTTP and TLS connections of one client address (default: 256, and any number from "
     "this machine; 0: no limit)",
     [](Options& o, const std::string& v) {
       return to_router(o, "connections-per-peer", v);
     }},
    {"router-subscriptions", "PATH|HOST:PORT",
     "where nodes that are no vassals subscribe with the fastrouter",
     add<&Options::router_subscriptions>},
    {"subscription-algo", "wrr|lrc|wlrc|iphash",
     "how requests are spread over the nodes of a host", pass<"subscription-algo">},
    {"subscription-tolerance", "SECONDS", "how long a node may be silent",
     pass<"subscription-tolerance">},
    {"subscription-dotsplit", "",
     "a name without nodes falls back to .example.com and .com",
     pass_flag<"subscription-dotsplit">},
    {"subscriptions-credentials-check", "DIR/",
     "who subscribes KEY by a unix socket must own DIR/KEY",
     pass<"subscriptions-credentials-check">},
    {"subscriptions-sign-check", "DIGEST:DIR",
     "subscriptions must be signed, with the key in DIR/KEY.pem",
     pass<"subscriptions-sign-check">},
    {"subscriptions-sign-check-tolerance", "SECONDS",
     "how old a signed subscription may be", pass<"subscriptions-sign-check-tolerance">},
    {"subscriptions-ssh-keys", "DIR",
     "subscriptions must be signed, with an SSH key out of DIR/TENANT",
     pass<"subscriptions-ssh-keys">},
    {"subscriptions-ssh-tolerance", "SECONDS",
     "how far the time of such a subscription may be off",
     pass<"subscriptions-ssh-tolerance">},
    {"subscriptions-sign-skip-uid", "UID", "whose subscriptions need no signature",
     pass<"subscriptions-sign-skip-uid">},
    {"subscriptions-any-address", "",
     "who may subscribe may name any address, this machine's as well",
     pass_flag<"subscriptions-any-address">},
    {"fastrouter-use-pattern", "NODE",
     "node of a host without a vassal: %s stands for its name",
     pass<"fastrouter-use-pattern">},
    {"fastrouter-use-base", "DIR/",
     "sockets of hosts without a vassal, named as they are", pass<"fastrouter-use-base">},
    {"fastrouter-to", "NODE", "node for every host without a vassal",
     pass<"fastrouter-to">},
    {"fastrouter-gracetime", "SECONDS", "how long a failed fastrouter-to is left alone",
     pass<"fastrouter-gracetime">},
    {"fastrouter-fallback", "NODE", "node for when no other can be reached",
     pass<"fastrouter-fallback">},
    {"fastrouter-fallback-on-no-key", "",
     "hosts that nobody knows go to the fallback, too",
     pass_flag<"fastrouter-fallback-on-no-key">},
    {"fastrouter-subscription-fallback-key", "KEY",
     "subscribed key that serves hosts without a node",
     pass<"fastrouter-subscription-fallback-key">},
    {"fastrouter-max-retries", "N", "further nodes that are tried before the fallback",
     pass<"fastrouter-max-retries">},
    {"fastrouter-post-buffering", "BYTES",
     "bodies go to nodes once they are whole, so much of each in memory",
     pass<"fastrouter-post-buffering">},
    {"fastrouter-resubscribe", "HOST:PORT|PATH",
     "router upstream that hears of every subscription", pass<"fastrouter-resubscribe">},
    {"router-processes", "N", "fastrouter processes",
     [](Options& o, const std::string& v) {
       return parse_number(v, 1, 256, &o.router_processes);
     }},
    {"router-uid", "USER", "the user of the fastrouter", text<&Options::router_uid>},
    {"router-gid", "GROUP", "the group of the fastrouter", text<&Options::router_gid>},
    {"queue-max", "N", "requests parked per vassal",
     [](Options& o, const std::string& v) {
       return to_router(o, "queue-max", v);
     }},
    {"queue-timeout", "SECONDS", "how long a request may wait for its vassal",
     [](Options& o, const std::string& v) {
       return to_router(o, "queue-timeout", v);
     }},
    {"metrics", "PATH|HOST:PORT",
     "figures of every vassal for Prometheus, over HTTP (no host: 127.0.0.1)",
     [](Options& o, const std::string& v) {
       o.metrics = v.starts_with(':') ? "127.0.0.1" + v : v;
       return std::string(v.empty() ? "needs an address" : "");
     }},
    {"trusted-proxy", "ADDRESS|NETWORK",
     "proxies whose X-Forwarded-* fields are believed over HTTP",
     [](Options& o, const std::string& v) {
       return to_router(o, "trusted-proxy", v);
     }},
    {"http-timeout", "SECONDS", "longest silence of an HTTP client",
     [](Options& o, const std::string& v) {
       return to_router(o, "http-timeout", v);
     }},
    {"request-timeout", "SECONDS", "longest wait for an answer over HTTP",
     [](Options& o, const std::string& v) {
       return to_router(o, "request-timeout", v);
     }},
    {"tunnel-timeout", "SECONDS", "longest silence of a WebSocket, both ways",
     [](Options& o, const std::string& v) {
       return to_router(o, "tunnel-timeout", v);
     }},
    {"limit-post", "BYTES", "largest request body over HTTP",
     [](Options& o, const std::string& v) {
       return to_router(o, "limit-post", v);
     }},
    {"concurrency-max", "N",
     "requests of one vassal under way at once over HTTP or to a command, in one router",
     [](Options& o, const std::string& v) {
       return to_router(o, "concurrency-max", v);
     }},
    {"bandwidth-max", "BYTES",
     "a second, of the answers of one vassal over HTTP or from a command, in one router",
     [](Options& o, const std::string& v) {
       uint64_t bytes = 0;
       const std::string fault = parse_bytes(v, &bytes);
       return fault.empty() ? to_router(o, "bandwidth-max", std::to_string(bytes))
                            : fault;
     }},
    {"header-timeout", "SECONDS",
     "how long a client may take for the head of its request",
     [](Options& o, const std::string& v) {
       return to_router(o, "header-timeout", v);
     }},
    {"queue-total", "N", "requests parked in one router process",
     [](Options& o, const std::string& v) {
       return to_router(o, "queue-total", v);
     }},
    {"access-log", "PATH", "where the fastrouter logs requests, as its own user",
     [](Options& o, const std::string& v) {
       return to_router(o, "access-log", v);
     }},
    {"access-log-format", "common|combined|json", "the form of its lines (combined)",
     [](Options& o, const std::string& v) {
       const std::string fault = one_of(v, {"common", "combined", "json"});
       return fault.empty() ? to_router(o, "access-log-format", v) : fault;
     }},
    {"errors", "page|close",
     "what nginx gets for a request that fails in the fastrouter: a page, or nothing",
     [](Options& o, const std::string& v) {
       const std::string fault = one_of(v, {"page", "close"});
       return fault.empty() ? to_router(o, "errors", v) : fault;
     }},
    {"error-pages", "DIR",
     "pages of the operator's, for the fastrouter: STATUS.html, DOMAIN/STATUS.html",
     [](Options& o, const std::string& v) {
       return to_router(o, "error-pages", v);
     }},
    {"stats-hosts", "N",
     "hosts with figures of their own in one router process; the others' are one (1000)",
     [](Options& o, const std::string& v) {
       uint32_t hosts = 0;
       const std::string fault = parse_number(v, 0, 100'000, &hosts);
       return fault.empty() ? to_router(o, "stats-hosts", v) : fault;
     }},
    {"defaults", "FILE", "ini that applies below every vassal file",
     text<&Options::defaults>},
    {"policy", "FILE", "ini that applies above every vassal file",
     text<&Options::policy>},
    {"domains", "any|filename|policy",
     "which hosts a vassal may claim: any that is free, those that its file is named "
     "after, or only what domains-list says",
     [](Options& o, const std::string& v) {
       o.domains = v;
       return one_of(v, {"any", "filename", "policy"});
     }},
    {"domains-list", "FILE",
     "hosts that may be claimed: lines of `VASSAL|uid:N|user:NAME|* HOST...`",
     text<&Options::domains_list>},
    {"trusted", "", "take vassal files whoever owns or may write them",
     flag<&Options::trusted>},
    {"allow-root-vassals", "", "let a vassal run as uid 0",
     flag<&Options::allow_root_vassals>},
    {"cgroups", "auto|v1|v2|off|required", "how limits are enforced",
     [](Options& o, const std::string& v) {
       o.cgroups = v;
       return one_of(v, {"auto", "v1", "v2", "off", "required"});
     }},
    {"cgroup-root", "GROUP",
     "group below which vassals get theirs (default: the emperor's own)",
     text<&Options::cgroup_root>},
    {"python", "PATH", "another Python runtime for the vassals", text<&Options::python>},
    {"vassal-program", "PATH", "the vassal binary (default: beside this one)",
     text<&Options::vassal_program>},
    {"fastrouter-program", "PATH", "the fastrouter binary (default: beside this one)",
     text<&Options::fastrouter_program>},
    {"start-slots", "N",
     "vassals that start at once (default: the number of CPUs and one)",
     [](Options& o, const std::string& v) {
       return parse_number(v, 1, 4096, &o.start_slots);
     }},
    {"rescan", "SECONDS", "how often the sources are listed without being asked to",
     [](Options& o, const std::string& v) {
       return parse_seconds(v, 1, &o.rescan);
     }},
    {"shutdown-mercy", "SECONDS", "how long vassals may finish at shutdown",
     [](Options& o, const std::string& v) {
       return parse_seconds(v, 0, &o.shutdown_mercy);
     }},
    {"kill-patience", "SECONDS",
     "how long to wait at shutdown for processes that SIGKILL does not end",
     [](Options& o, const std::string& v) {
       return parse_seconds(v, 1, &o.kill_patience);
     }},
    {"mercy-max", "SECONDS",
     "most of its reload-mercy that a vassal gets whose file is gone",
     [](Options& o, const std::string& v) {
       return parse_seconds(v, 0, &o.mercy_max);
     }},
    {"upgrade-timeout", "SECONDS",
     "how long a new emperor may take to read the state, and to be up",
     [](Options& o, const std::string& v) {
       return parse_seconds(v, 1, &o.upgrade_timeout);
     }},
    {"logger-uid", "USER", "the user of the logger", text<&Options::logger_uid>},
    {"logger-gid", "GROUP", "the group of the logger", text<&Options::logger_gid>},
    {"log-space", "BYTES",
     "what the logs of one vassal in the run directory may take together (128M)",
     [](Options& o, const std::string& v) {
       return parse_bytes(v, &o.log_space);
     }},
    {"journald", "PATH", "socket of journald, for vassals with `logger = journald`",
     text<&Options::journald>},
    {"syslog", "PATH|HOST:PORT", "socket of syslog, for vassals with `logger = syslog`",
     text<&Options::syslog>},
    {"log-level", "debug|info|warn|error", "how much is logged",
     [](Options& o, const std::string& v) {
       o.log_level = v;
       return one_of(v, {"debug", "info", "warn", "error"});
     }},
});

const OptionRow* find(std::string_view key) {
  const auto row = std::ranges::find(kTable, key, &OptionRow::key);
  return row == kTable.end() ? nullptr : row;
}

std::string unknown(const std::string& key) {
  std::vector<std::string_view> names;
  names.reserve(kTable.size());
  for (const auto& row : kTable)
    names.emplace_back(row.key);
  if (const auto nearest = base::nearest_name(key, names); !nearest.empty())
    return fmt::format("unknown option '{}': did you mean '{}'?", key, nearest);
  return fmt::format("unknown option '{}'", key);
}

/// The fault, or nothing.
std::string apply_one(const base::Setting& setting, Options* options) {
  const OptionRow* row = find(setting.key);
  const UwsgiOption* foreign = row == nullptr ? find_uwsgi_option(setting.key) : nullptr;
  if (row == nullptr && foreign == nullptr) return unknown(setting.key);
  if (foreign != nullptr && foreign->fate != Fate::honoured) {
    const char* fate = foreign->fate == Fate::mapped    ? " is taken as "
                       : foreign->fate == Fate::ignored ? " is ignored: "
                                                        : " has no effect: ";
    options->notes.push_back(setting.origin.text() + ": " + setting.key + fate +
                             foreign->help);
  }
  const auto set = row != nullptr ? row->set : foreign->set;
  const std::string fault = set == nullptr ? "" : set(*options, setting.value);
  return fault.empty() ? "" : setting.key + ": " + fault;
}

}  // namespace

std::span<const OptionRow> option_table() {
  return kTable;
}
bool is_option(std::string_view key) {
  return find(key) != nullptr;
}

std::string option_help() {
  std::string help =
      "usage: emperor [--config FILE] [--KEY[=VALUE]]... SOURCE...\n\n"
      "SOURCE is a directory of ini files or a glob such as '/etc/vassals/*/*.ini'.\n\n";
  for (const auto& row : kTable) {
    const std::string left =
        fmt::format("  --{}{}{}", row.key, *row.value != '\0' ? "=" : "", row.value);
    help += fmt::format("{:<44} {}\n", left, row.help);
  }
  return help + uwsgi_option_help();
}

std::vector<base::Setting> command_line_settings(std::span<const std::string> arguments,
                                                 std::string* config) {
  std::vector<base::Setting> settings;
  const base::Origin origin{"command line", 0};
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!argument.starts_with("--")) {
      settings.push_back({"emperor", argument, origin});
      continue;
    }
    const size_t equals = argument.find('=');
    std::string key =
        argument.substr(2, equals == argument.npos ? argument.npos : equals - 2);
    std::string value = equals == argument.npos ? "" : argument.substr(equals + 1);
    const OptionRow* row = find(key);
    const UwsgiOption* foreign = row == nullptr ? find_uwsgi_option(key) : nullptr;
    const bool takes_value = key == "config" || (row != nullptr && *row->value != '\0') ||
                             (foreign != nullptr && *foreign->value != '\0');
    if (equals == argument.npos && takes_value && i + 1 < arguments.size())
      value = arguments[++i];
    if (key == "config")
      *config = value;
    else
      settings.push_back({std::move(key), std::move(value), origin});
  }
  return settings;
}

void apply(const std::vector<base::Setting>& settings,
           Options* options,
           OptionFaults* faults) {
  for (const auto& setting : settings) {
    const std::string fault = apply_one(setting, options);
    if (!fault.empty()) faults->lines.push_back(setting.origin.text() + ": " + fault);
  }
}

void complete(Options* options, const std::string& own_directory, OptionFaults* faults) {
  if (options->sources.empty())
    faults->lines.emplace_back(
        "no source: name a directory of vassal files, such as /etc/vassals");
  if (!options->router_https.empty() && options->certificates.empty())
    faults->lines.emplace_back(
        "router-https: needs certificates: say certificates = DIR");
  if (!options->run_dir.starts_with('/'))
    faults->lines.push_back(
        fmt::format("run-dir: '{}' is not an absolute path", options->run_dir));
  while (options->run_dir.size() > 1 && options->run_dir.ends_with('/'))
    options->run_dir.pop_back();
  if (!options->on_demand_directory.empty() && options->on_demand_extension.empty())
    for (const auto& [key, value] :
         {std::pair<std::string, std::string>{"chmod-socket", "666"},
          {"socket", options->on_demand_directory + "/%n.socket"},
          {"start", "lazy"}})
      options->vassal_settings.emplace_back(key, value);
  if (options->control.empty()) options->control = options->run_dir + "/control.sock";
  if (options->vassal_program.empty())
    options->vassal_program = own_directory + "/vassal";
  if (options->fastrouter_program.empty())
    options->fastrouter_program = own_directory + "/fastrouter";
}

}  // namespace emperor
