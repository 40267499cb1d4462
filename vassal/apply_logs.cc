// The rows about logs.
#include <fmt/core.h>

#include "vassal/apply.h"

namespace vassal {

using base::Setting;

namespace {

/// "[id ]plugin[:arguments]" is how uWSGI names a logger.
std::string_view plugin_of(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const size_t space = text.substr(0, colon).rfind(' ');
  return text.substr(0, colon).substr(space == text.npos ? 0 : space + 1);
}

}  // namespace

void apply_logto(ConfigBuild& build, const Setting& s) {
  const bool udp = !s.value.starts_with('/') && s.value.find(':') != s.value.npos;
  if (udp)
    return build.warn(
        s, fmt::format("{} = {}: logs are not sent over the network", s.key, s.value));
  if (s.value.empty()) return build.warn(s, s.key + " names no file");
  const bool absolute = s.value.starts_with('/') || build.config.directory.empty();
  build.config.logto = absolute ? s.value : build.config.directory + "/" + s.value;
}

void apply_daemonize(ConfigBuild& build, const Setting& s) {
  if (base::is_flag_word(s.value))
    return build.warn(
        s, "daemonize names no file: the emperor keeps the process and its log");
  apply_logto(build, s);
}

void apply_logger(ConfigBuild& build, const Setting& s) {
  std::string_view plugin = plugin_of(s.value);
  if (plugin == "systemd") plugin = "journald";
  const size_t colon = s.value.find(':');
  const std::string arguments =
      colon == s.value.npos ? std::string() : s.value.substr(colon + 1);
  if (plugin == "file" && !arguments.empty()) {
    Setting file = s;
    file.value = arguments.starts_with("logfile=") ? arguments.substr(8) : arguments;
    file.value.resize(std::min(file.value.find(','), file.value.size()));
    return apply_logto(build, file);
  }
  if (plugin != "file" && plugin != "journald" && plugin != "syslog")
    return build.warn(
        s, fmt::format("{} = {}: there are file, journald and syslog", s.key, s.value));
  if (!arguments.empty())
    build.warn(s, fmt::format("{} = {}: what follows '{}' has no effect, the tag is the "
                              "vassal's name",
                              s.key, s.value, plugin));
  build.config.loggers.emplace_back(plugin);
}

void apply_log_encoder(ConfigBuild& build, const Setting& s) {
  const std::string_view plugin = plugin_of(s.value);
  if (plugin == "json") {
    build.config.log_json = true;
    if (s.value.find(':') != s.value.npos)
      build.warn(s, s.key + ": the fields are always time, vassal and line");
  } else if (plugin == "text") {
    build.config.log_json = false;
  } else if (plugin != "nl") {
    build.warn(s, fmt::format("{} = {}: there are text and json", s.key, s.value));
  }
}

void apply_log_date(ConfigBuild& build, const Setting& s) {
  constexpr size_t kLongest = 64;
  if (s.value.size() > kLongest)
    return build.error(s,
                       fmt::format("{} is longer than {} characters", s.key, kLongest));
  if (base::is_flag_word(s.value))
    build.config.log_date = base::parse_flag(s.value) ? "%Y-%m-%dT%H:%M:%S%z" : "";
  else
    build.config.log_date = s.value;
}

void apply_log_maxsize(ConfigBuild& build, const Setting& s) {
  build.config.log_maxsize = size_of(build, s).value_or(0);
}

void apply_log_keep(ConfigBuild& build, const Setting& s) {
  constexpr uint64_t kMost = 100;
  if (const auto number = number_of(build, s))
    build.config.log_keep = clamp_to(*number, kMost);
}

void apply_log_rate(ConfigBuild& build, const Setting& s) {
  build.config.log_rate = size_of(build, s).value_or(0);
}

}  // namespace vassal
