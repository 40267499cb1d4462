#include "router/ini_names.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace router {

namespace {

using std::string_view;

struct Alias {
  string_view theirs;
  string_view ours;
};
constexpr Alias kAliases[] = {
    {"http", "router-http"},
    {"http-router", "router-http"},
    {"fastrouter-workers", "fastrouter-processes"},
    {"fastrouter-ss", "fastrouter-stats"},
    {"fastrouter-stats-server", "fastrouter-stats"},
    {"http-header-timeout", "header-timeout"},
};

struct Reason {
  string_view names;  // between spaces
  string_view text;
};
// clang-format off
constexpr Reason kReasons[] = {
    {"fastrouter-zerg", "the router binds its sockets itself, or an emperor does"},
    {"fastrouter-use-cache", "there is no cache; fastrouter-use-pattern and subscriptions find nodes"},
    {"fastrouter-use-code-string", "no language runs in the router; fastrouter-use-pattern and subscriptions find nodes"},
    {"fastrouter-use-socket http-use-socket", "the router serves no application itself; name its address with fastrouter-to"},
    {"fastrouter-events", "as many events are taken as there are"},
    {"fastrouter-harakiri", "no turn of the router waits for anybody"},
    {"fastrouter-buffer-size http-buffer-size", "buffers are as large as they have to be"},
    {"fastrouter-post-buffering-dir", "the directory for temporary files is TMPDIR"},
    {"fastrouter-subscription-slot", "it has no meaning in uWSGI either"},
    {"fastrouter-emperor-socket fastrouter-defer-connect-timeout", "an emperor of ours is told over its own channel"},
    {"http-keepalive http-auto-chunked http-chunked-input http-raw-body http-websockets http-manage-expect http-manage-rtsp", "always so where HTTP has it"},
    {"http-auto-gzip http-manage-source", "answers pass as they are"},
    {"http-connect-timeout", "fastrouter-timeout bounds it"},
    {"http-modifier1 http-modifier2", "nodes without a subscription get modifiers of 0"},
    {"subscriptions-use-credentials", "always so on unix sockets"},
    {"master vacuum die-on-term no-orphans thunder-lock enable-threads need-app strict", "the router needs no such word"},
    {"processes workers threads", "they are for applications; fastrouter-processes is the router's"},
    {"logto logto2 daemonize log-master", "the log goes to standard error"},
    {"plugin plugins plugins-dir", "the router has no plugins"},
};
// clang-format on

bool has_name(string_view names, string_view wanted) {
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == wanted) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

string_view alias_of(string_view key) {
  const auto* alias = std::ranges::find(kAliases, key, &Alias::theirs);
  return alias == std::end(kAliases) ? string_view() : alias->ours;
}

std::string reason_for(string_view key) {
  for (const Reason& reason : kReasons)
    if (has_name(reason.names, key)) return std::string(reason.text);
  return {};
}

}  // namespace

IniName own_name(const std::string& key,
                 const std::function<bool(const std::string& name)>& knows) {
  constexpr string_view kHttp = "http-";
  constexpr string_view kFast = "fastrouter-";
  if (knows(key)) return {key, {}};
  std::string name(alias_of(key));
  if (name.empty() && key.starts_with(kHttp)) {
    name = std::string(kFast) + key.substr(kHttp.size());
    if (const string_view again = alias_of(name); !again.empty()) name = again;
  }
  if (!name.empty() && knows(name)) return {name, {}};
  for (const auto& known : {key, name})
    if (auto reason = reason_for(known); !reason.empty()) return {{}, std::move(reason)};
  return {{}, "it means nothing to this router"};
}

}  // namespace router
