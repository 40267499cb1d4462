#include "vassal/apply.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include <fmt/core.h>

#include "base/ini.h"
#include "base/wire/host_name.h"
#include "vassal/address.h"
#include "vassal/hooks.h"
#include "vassal/sockets.h"

namespace vassal {

namespace {

using base::Setting;

constexpr uint64_t kMostProcesses = 1023;

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!(text = base::strip(text)).empty()) {
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

/// The two halves around the first '='; nothing without one.
std::optional<std::pair<std::string, std::string>> pair_of(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos) return std::nullopt;
  return std::pair(std::string(base::strip(text.substr(0, equals))),
                   std::string(base::strip(text.substr(equals + 1))));
}

std::optional<uint32_t> id_of(std::string_view text) {
  const auto number = base::parse_unsigned(text);
  // the last id means "no change" to the kernel
  if (!number || *number >= UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

/// "TERM", "SIGTERM" or "15".
std::optional<int> signal_of(std::string_view text) {
  if (text.starts_with("SIG")) text.remove_prefix(3);
  const auto number = base::parse_unsigned(text);
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* name = ::sigabbrev_np(signal);
    if (number == static_cast<uint64_t>(signal) || (name != nullptr && text == name))
      return signal;
  }
  return std::nullopt;
}

std::optional<gid_t> group_of(ConfigBuild& build, const Setting& s) {
  if (const auto gid = id_of(s.value)) return gid;
  if (!build.may_look_up(s)) return std::nullopt;
  if (const auto gid = build.names.gid_of(s.value)) return gid;
  build.error(s, fmt::format("unknown group '{}'", s.value));
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> number_of(ConfigBuild& build, const Setting& s) {
  const auto number = base::parse_leading_number(s.value);
  if (number.value < 0) {
    build.error(
        s, fmt::format("{} = {}: a negative number makes no sense here", s.key, s.value));
    return std::nullopt;
  }
  const bool digits = s.value.find_first_of("0123456789") != s.value.npos;
  if (!number.exact && number.value == 0 && !digits) {
    // an unset variable was warned about where it was expanded
    const bool unset = s.value.empty() || s.value.find("$(") != s.value.npos;
    build.tell(unset ? Diagnostic::Level::warning : Diagnostic::Level::error, s,
               fmt::format("{} = {}: not a number{}", s.key, s.value,
                           unset ? ", the default stays" : ""));
    return std::nullopt;
  }
  if (!number.exact)
    build.warn(s, fmt::format("'{}' is not a number: {} = {} is used", s.value, s.key,
                              number.value));
  return static_cast<uint64_t>(number.value);
}

std::optional<std::chrono::seconds> duration_of(ConfigBuild& build, const Setting& s) {
  if (const auto duration = base::parse_duration(s.value)) return duration;
  const auto number = number_of(build, s);
  if (!number) return std::nullopt;
  constexpr uint64_t kLongest = uint64_t{100} * 365 * 86400;
  return std::chrono::seconds(std::min(*number, kLongest));
}

std::optional<uint64_t> size_of(ConfigBuild& build, const Setting& s) {
  if (s.value == "max" || s.value == "infinity") return std::nullopt;
  const auto size = base::parse_size(s.value);
  if (!size)
    build.error(s, fmt::format("{} = {}: not a size; write 256M or 1G", s.key, s.value));
  return size;
}

std::optional<uint64_t> megabytes_of(ConfigBuild& build, const Setting& s) {
  constexpr uint64_t kMost = UINT64_MAX >> 20;
  if (base::parse_unsigned(s.value)) {
    const auto number = number_of(build, s);
    return number ? std::optional(std::min(*number, kMost) << 20) : std::nullopt;
  }
  // "1.5" is a fraction of megabytes, "2G" speaks for itself
  const bool fraction = s.value.find_first_not_of("0123456789.") == s.value.npos;
  if (const auto size = base::parse_size(fraction ? s.value + "M" : s.value)) return size;
  const auto number = number_of(build, s);
  return number ? std::optional(std::min(*number, kMost) << 20) : std::nullopt;
}

uint32_t clamp_to(uint64_t value, uint64_t most) {
  return static_cast<uint32_t>(std::min(value, most));
}

bool ConfigBuild::may_look_up(const Setting& s) {
  if (lookups_left == 0) {
    error(s, "too many users and groups are named");
    return false;
  }
  --lookups_left;
  return true;
}

void apply_uid(ConfigBuild& build, const Setting& s) {
  auto uid = id_of(s.value);
  if (!uid && !build.may_look_up(s)) return;
  if (!uid) uid = build.names.uid_of(s.value);
  if (!uid) return build.error(s, fmt::format("unknown user '{}'", s.value));
  build.config.uid = uid;
}

void apply_gid(ConfigBuild& build, const Setting& s) {
  if (const auto gid = group_of(build, s)) build.config.gid = gid;
}

void apply_add_gid(ConfigBuild& build, const Setting& s) {
  if (const auto gid = group_of(build, s)) build.config.add_gids.push_back(*gid);
}

void apply_domain(ConfigBuild& build, const Setting& s) {
  if (words(s.value).empty()) build.warn(s, "'domain' names no host");
  for (const auto word : words(s.value)) {
    // ".example.com" is how uWSGI's subscription-dotsplit writes a wildcard
    const std::string name = (word.starts_with('.') ? "*" : "") + std::string(word);
    if (auto domain = wire::normalise_domain(name))
      build.config.domains.push_back(*std::move(domain));
    else  // `domain` is also a favourite name for a placeholder of one's own
      build.tell(s.placeholder ? Diagnostic::Level::warning : Diagnostic::Level::error, s,
                 fmt::format("'{}' is neither a host name nor a *.wildcard", word));
  }
}

namespace {

void subscribe(ConfigBuild& build, const Setting& s, base::Result<Subscription> parsed) {
  if (!parsed) return build.warn(s, s.key + ": " + parsed.error().message());
  Subscription& sub = *parsed;
  const auto& own = build.around.own_routers;
  sub.ours = own.empty() || std::ranges::any_of(own, [&](const std::string& address) {
               return is_own_router(sub.server, address);
             });
  if (sub.key.starts_with('@'))
    build.warn(s, "keys are not read from a file: write a domain line for each");
  else if (sub.ours && sub.domain.empty())
    build.warn(s, fmt::format("'{}' is not a host name: nothing is claimed", sub.key));
  else if (sub.ours)
    build.config.domains.push_back(sub.domain);
  build.config.subscriptions.push_back(std::move(sub));
}

}  // namespace

void apply_subscribe_to(ConfigBuild& build, const Setting& s) {
  subscribe(build, s, parse_subscribe_to(s.value));
}
void apply_subscribe2(ConfigBuild& build, const Setting& s) {
  subscribe(build, s, parse_subscribe2(s.value));
}
void apply_modifier1(ConfigBuild& build, const Setting& s) {
  if (const auto n = number_of(build, s))
    build.config.subscribe_with_modifier1 = static_cast<uint8_t>(clamp_to(*n, 255));
}
void apply_own_router(ConfigBuild&, const Setting&) {}  // it was looked for first

void apply_socket(ConfigBuild& build, const Setting& s) {
  if (build.sockets.size() >= ConfigBuild::kMostSockets)
    return build.error(s, fmt::format("more than {} sockets", ConfigBuild::kMostSockets));
  build.sockets.push_back(s);
}

void apply_protocol(ConfigBuild& build, const Setting& s) {
  if (parse_socket_protocol(s.value))
    build.protocol = s;
  else
    build.warn(
        s, fmt::format("{} = {}: write uwsgi, http, fastcgi or scgi", s.key, s.value));
}

void apply_chmod_socket(ConfigBuild& build, const Setting& s) {
  if (s.value.empty() || s.value == "1") {
    build.config.chmod_socket = 0666;
    return;
  }
  const auto mode = base::parse_mode(s.value);
  if (!mode)
    return build.error(
        s, fmt::format("chmod-socket = {}: not an octal mode like 660", s.value));
  build.config.chmod_socket = *mode & 0777;
}

void apply_listen(ConfigBuild& build, const Setting& s) {
  const auto number = number_of(build, s);
  if (!number) return;
  if (*number == 0) return build.warn(s, "listen = 0: the default is used");
  build.config.listen = clamp_to(*number, INT32_MAX);
}

void apply_command_type(ConfigBuild& build, const Setting& s) {
  if (s.value == "simple")
    build.command_type = CommandType::simple;
  else if (s.value == "notify")
    build.command_type = CommandType::notify;
  else if (s.value == "uwsgi")
    build.command_type = CommandType::uwsgi;
  else
    build.error(s,
                fmt::format("command-type = {}: write simple, notify or uwsgi", s.value));
}

void apply_stop_signal(ConfigBuild& build, const Setting& s) {
  if (const auto number = signal_of(s.value))
    build.config.stop_signal = *number;
  else
    build.error(s, fmt::format("'{}' is no signal: write TERM, INT, QUIT, ...", s.value));
}

void apply_hook(ConfigBuild& build, const Setting& s) {
  if (s.value.empty()) return;
  auto hook = parse_hook(s.key, s.value);
  if (!hook) return build.error(s, fmt::format("{}: {}", s.key, hook.error().context));
  const bool tenants =
      hook->phase != HookPhase::as_root && hook->phase != HookPhase::as_emperor;
  if (build.own_file && !tenants)
    return build.warn(s, fmt::format("{} is not run: only the operator's defaults and "
                                     "policy may run something as root",
                                     s.key));
  build.config.hooks.push_back(*std::move(hook));
}

void apply_idle(ConfigBuild& build, const Setting& s) {
  if (const auto duration = duration_of(build, s)) build.config.idle = *duration;
}

void apply_start(ConfigBuild& build, const Setting& s) {
  if (s.value != "lazy" && s.value != "now")
    return build.error(s, "start is either now or lazy, not '" + s.value + "'");
  build.config.start_lazy = s.value == "lazy";
}

void apply_chdir(ConfigBuild& build, const Setting& s) {
  if (s.value.empty()) return build.warn(s, "chdir names no directory");
  const bool absolute = s.value.starts_with('/') || build.config.directory.empty();
  build.config.chdir = absolute ? s.value : build.config.directory + "/" + s.value;
}

void apply_pyargv(ConfigBuild& build, const Setting& s) {
  build.config.pyargv.clear();
  for (const auto word : words(s.value))
    build.config.pyargv.emplace_back(word);
}

void apply_mount(ConfigBuild& build, const Setting& s) {
  const auto pair = pair_of(s.value);
  if (!pair || pair->second.empty())
    return build.error(
        s, fmt::format("mount = {}: write /prefix=app.py or /prefix=mod:name", s.value));
  if (!pair->first.empty() && !pair->first.starts_with('/'))
    build.warn(s, fmt::format("mount point '{}' does not begin with '/'", pair->first));
  build.config.mounts.push_back({pair->first, pair->second});
}

void apply_env(ConfigBuild& build, const Setting& s) {
  const size_t equals = s.value.find('=');
  if (equals == 0 || s.value.empty()) return build.warn(s, "env names no variable");
  if (equals == s.value.npos)
    build.warn(s, fmt::format("env = {}: no value, the variable becomes empty", s.value));
  auto pair = pair_of(s.value).value_or(std::pair(s.value, std::string()));
  build.config.env.push_back(std::move(pair));
}

void apply_node_param(ConfigBuild& build, const Setting& s) {
  constexpr size_t kMostParams = 64;
  constexpr size_t kLongest = 512;  // all of them go into one message
  const auto pair = pair_of(s.value);
  if (!pair || pair->first.empty() || s.value.size() > kLongest)
    return build.error(s, fmt::format("node-param = {}: must be NAME=value", s.value));
  if (build.config.node_params.size() == kMostParams)
    return build.error(s, fmt::format("more than {} node-param", kMostParams));
  build.config.node_params.push_back(s.value);
}

void apply_static_map(ConfigBuild& build, const Setting& s) {
  const auto pair = pair_of(s.value);
  if (!pair || pair->second.empty())
    return build.error(s,
                       fmt::format("static-map = {}: write /prefix=directory", s.value));
  build.config.static_maps.push_back({pair->first, pair->second});
}

void apply_processes(ConfigBuild& build, const Setting& s) {
  const auto number = number_of(build, s);
  if (!number) return;
  if (*number > kMostProcesses)
    return build.error(s, fmt::format("{} = {}: at most {} are possible", s.key, *number,
                                      kMostProcesses));
  if (*number == 0 && base::parse_unsigned(s.value))
    build.warn(s, fmt::format("{} = 0: one worker is started", s.key));
  build.config.processes = static_cast<uint32_t>(std::max<uint64_t>(*number, 1));
}

void apply_threads(ConfigBuild& build, const Setting& s) {
  const auto number = number_of(build, s);
  if (!number) return;
  if (*number > kMostProcesses)
    return build.error(
        s, fmt::format("threads = {}: at most {} are possible", *number, kMostProcesses));
  build.config.threads = static_cast<uint32_t>(std::max<uint64_t>(*number, 1));
}

void apply_buffer_size(ConfigBuild& build, const Setting& s) {
  const auto number = number_of(build, s);
  if (!number) return;
  build.config.buffer_size = *number == 0 ? 65535 : clamp_to(*number, 65535);
}

void apply_cpu_max(ConfigBuild& build, const Setting& s) {
  if (s.value == "max" || s.value == "infinity")
    return build.config.limits.cpu_max_percent.reset();
  const auto percent = base::parse_percent(s.value);
  if (!percent)
    return build.error(s, fmt::format("cpu-max = {}: write 50% or 200%", s.value));
  build.config.limits.cpu_max_percent = percent;
}

void apply_cpu_weight(ConfigBuild& build, const Setting& s) {
  const auto weight = base::parse_unsigned(s.value);
  if (!weight || *weight < 1 || *weight > 10000)
    return build.error(
        s, fmt::format("cpu-weight = {}: write a number from 1 to 10000", s.value));
  build.config.limits.cpu_weight = static_cast<uint32_t>(*weight);
}

void apply_pids_max(ConfigBuild& build, const Setting& s) {
  if (s.value == "max" || s.value == "infinity")
    return build.config.limits.pids_max.reset();
  const auto number = base::parse_unsigned(s.value);
  if (!number || *number == 0)
    return build.error(s, fmt::format("pids-max = {}: write a number above 0", s.value));
  build.config.limits.pids_max = number;
}

void apply_io_max(ConfigBuild& build, const Setting& s) {
  build.config.limits.raw.emplace_back("io.max", s.value);
}

void apply_cgroup(ConfigBuild& build, const Setting& s) {
  build.tell(Diagnostic::Level::note, s,
             "cgroup is mapped: every vassal has a group of its own below the emperor's "
             "cgroup-root");
}

void apply_cgroup_opt(ConfigBuild& build, const Setting& s) {
  std::string mapped;
  if (!build.cgroup_options.apply(s.value, build.config.limits, &mapped))
    return build.error(s, fmt::format("cgroup-opt = {}: write file=value", s.value));
  if (!mapped.empty())
    build.tell(Diagnostic::Level::note, s,
               fmt::format("cgroup-opt is mapped: it sets {}", mapped));
}

void apply_limit_as(ConfigBuild& build, const Setting& s) {
  const auto bytes = megabytes_of(build, s);
  if (bytes && *bytes > 0) build.config.limit_as_bytes = bytes;
}

void apply_prio(ConfigBuild& build, const Setting& s) {
  const auto number = base::parse_leading_number(s.value);
  if (!number.exact) build.warn(s, fmt::format("'{}' is not a number", s.value));
  build.config.nice = static_cast<int>(std::clamp<int64_t>(number.value, -20, 19));
}

void apply_umask(ConfigBuild& build, const Setting& s) {
  const std::string padded =
      s.value.size() < 3 ? std::string(3 - s.value.size(), '0') + s.value : s.value;
  const auto mode = s.value.empty() ? std::nullopt : base::parse_mode(padded);
  if (!mode)
    return build.error(s, fmt::format("umask = {}: not an octal mode like 022", s.value));
  build.config.umask = *mode & 0777;
}

void apply_queue_max(ConfigBuild& build, const Setting& s) {
  if (const auto number = number_of(build, s))
    build.config.queue_max = clamp_to(*number, UINT32_MAX);
}

void apply_queue_timeout(ConfigBuild& build, const Setting& s) {
  if (const auto duration = duration_of(build, s)) build.config.queue_timeout = *duration;
}

void apply_concurrency_max(ConfigBuild& build, const Setting& s) {
  if (const auto number = number_of(build, s))
    build.config.concurrency_max = clamp_to(*number, UINT32_MAX);
}

void apply_bandwidth_max(ConfigBuild& build, const Setting& s) {
  if (const auto size = base::parse_size(s.value))
    build.config.bandwidth_max = *size;
  else
    build.error(s, fmt::format("bandwidth-max = {}: not a size such as 10M", s.value));
}

void apply_health_check(ConfigBuild& build, const Setting& s) {
  constexpr size_t kLongest = 2000;
  if (!s.value.starts_with('/') || s.value.size() > kLongest)
    return build.error(s, fmt::format("health-check = {}: write a path of the site, such "
                                      "as /health",
                                      s.value));
  build.config.health_check = s.value;
}

namespace {

void add_touched(ConfigBuild& build, const Setting& s, std::vector<std::string>* files) {
  constexpr size_t kMost = 64;
  if (s.value.empty()) return build.warn(s, s.key + " names no file");
  if (files->size() >= kMost)
    return build.error(s, fmt::format("more than {} files", kMost));
  files->push_back(s.value);
}

}  // namespace

void apply_touch_reload(ConfigBuild& build, const Setting& s) {
  add_touched(build, s, &build.config.touch_reload);
}
void apply_touch_workers_reload(ConfigBuild& build, const Setting& s) {
  add_touched(build, s, &build.config.touch_workers_reload);
}
void apply_touch_logrotate(ConfigBuild& build, const Setting& s) {
  add_touched(build, s, &build.config.touch_logrotate);
}
void apply_touch_logreopen(ConfigBuild& build, const Setting& s) {
  add_touched(build, s, &build.config.touch_logreopen);
}

void apply_plugins(ConfigBuild& build, const Setting& s) {
  static constexpr std::array<std::string_view, 10> kBuiltIn = {
      "python",     "http",       "router_http", "router_static", "router_uwsgi",
      "corerouter", "fastrouter", "logfile",     "syslog",        "cheaper_busyness"};
  for (std::string_view rest = s.value; !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size());
    const auto name = base::strip(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (name.empty() || name.starts_with("python") ||
        std::ranges::count(kBuiltIn, name) > 0)
      continue;
    build.warn(
        s, fmt::format("plugin '{}' is not available: only Python applications are run",
                       name));
  }
}

// A rule that is left out must not open what it guarded. Without the others a page may be
// missing, which its owner sees.
void apply_route(ConfigBuild& build, const Setting& s) {
  static constexpr std::array<std::string_view, 8> kGuards = {
      "auth", "radius", "break", "return", "disconnect", "deny", "seterror", "access"};
  for (const auto guard : kGuards)
    if (s.value.find(guard) != s.value.npos)
      return build.error(s, fmt::format("{} = {}: internal routing is not available, and "
                                        "leaving the rule out could open what it guards",
                                        s.key, s.value));
  build.warn(s,
             fmt::format("{} has no effect: internal routing is not available", s.key));
}

}  // namespace vassal
