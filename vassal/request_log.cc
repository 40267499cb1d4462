#include "vassal/request_log.h"

#include <limits.h>
#include <unistd.h>

#include <array>
#include <ctime>

namespace vassal {

namespace {

/// What a client sent never ends a line or forges another.
void append_safe(std::string& out, std::string_view text) {
  constexpr size_t kLongest = 2000;
  for (const char c : text.substr(0, kLongest)) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u != 0x7f) {
      out.push_back(c);
      continue;
    }
    constexpr char kHex[] = "0123456789abcdef";
    out.append("\\x").push_back(kHex[u >> 4]);
    out.push_back(kHex[u & 15]);
  }
}

void append_or_dash(std::string& out, std::string_view text) {
  if (text.empty())
    out.push_back('-');
  else
    append_safe(out, text);
}

void append_time(std::string& out, const char* format, int64_t when) {
  const time_t seconds = when;
  tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 64> text{};
  out.append(text.data(), std::strftime(text.data(), text.size(), format, &local));
}

void append_default(std::string& out,
                    const Request& r,
                    const RequestFacts& f,
                    std::string_view address) {
  const auto number = [&out](auto n) {
    out.append(std::to_string(n));
  };
  out.append("[pid: "), number(::getpid()), out.append("|app: 0|req: "),
      number(f.worker_count);
  out.append("/"), number(f.worker_count), out.append("] "), append_safe(out, address);
  out.append(" ("), append_safe(out, r.remote_user), out.append(") {"),
      number(r.var_count * 2);
  out.append(" vars in "), number(r.block_size), out.append(" bytes} [");
  append_time(out, "%a %b %e %H:%M:%S %Y", f.unix_time);
  out.append("] "), append_safe(out, r.method), out.append(" "), append_safe(out, r.uri);
  out.append(" => generated "), number(f.body_bytes), out.append(" bytes in ");
  number(f.microseconds / 1000), out.append(" msecs ("), append_safe(out, r.protocol);
  out.append(" "), number(f.status), out.append(") "), number(f.headers);
  out.append(" headers in "), number(f.head_bytes),
      out.append(" bytes (1 switches on core 0)");
}

bool append_figure(std::string& out,
                   std::string_view name,
                   const Request& r,
                   const RequestFacts& f) {
  const auto number = [&out](auto n) {
    out.append(std::to_string(n));
    return true;
  };
  if (name == "status") return number(f.status);
  if (name == "rsize") return number(f.body_bytes);
  if (name == "hsize") return number(f.head_bytes);
  if (name == "size") return number(f.body_bytes + f.head_bytes);
  if (name == "cl") return number(r.content_length.value_or(0));
  if (name == "micros") return number(f.microseconds);
  if (name == "msecs") return number(f.microseconds / 1000);
  if (name == "secs") return number(f.microseconds / 1000000);
  if (name == "time" || name == "epoch") return number(f.unix_time);
  if (name == "pid") return number(::getpid());
  if (name == "wid") return number(f.worker);
  if (name == "switches" || name == "core") return number(name == "core" ? 0 : 1);
  if (name == "vars") return number(r.var_count * 2);
  if (name == "pktsize") return number(r.block_size);
  if (name == "headers") return number(f.headers);
  return false;
}

std::string_view text_of(std::string_view name, const Request& r) {
  if (name == "uri") return r.uri;
  if (name == "method") return r.method;
  if (name == "user") return r.remote_user;
  if (name == "addr") return r.remote_addr;
  if (name == "host") return r.host;
  if (name == "proto") return r.protocol;
  if (name == "uagent") return r.user_agent;
  if (name == "referer") return r.referer;
  if (name.starts_with("var."))
    for (const auto& [key, value] : r.vars)
      if (key == name.substr(4)) return value;
  return {};
}

void append_named(std::string& out,
                  std::string_view name,
                  const Request& r,
                  const RequestFacts& f) {
  if (append_figure(out, name, r, f)) return;
  if (name == "ltime") return append_time(out, "%d/%b/%Y:%H:%M:%S %z", f.unix_time);
  if (name == "ctime") return append_time(out, "%a %b %e %H:%M:%S %Y", f.unix_time);
  append_or_dash(out, text_of(name, r));
}

}  // namespace

void append_request_line(std::string& out,
                         std::string_view format,
                         const Request& request,
                         const RequestFacts& facts,
                         bool forwarded_for) {
  const std::string_view address = forwarded_for && !request.forwarded_for.empty()
                                       ? request.forwarded_for
                                       : request.remote_addr;
  if (format.empty()) append_default(out, request, facts, address);
  while (!format.empty()) {
    const size_t open = format.find("%(");
    const size_t close = open == std::string_view::npos ? open : format.find(')', open);
    out.append(format.substr(0, close == std::string_view::npos ? close : open));
    if (close == std::string_view::npos) break;
    const std::string_view name = format.substr(open + 2, close - open - 2);
    if (name == "addr")
      append_or_dash(out, address);
    else
      append_named(out, name, request, facts);
    format.remove_prefix(close + 1);
  }
  out.push_back('\n');
}

void RequestLog::add(const Request& request, const RequestFacts& facts) {
  const size_t before = pending_.size();
  append_request_line(pending_, format_, request, facts, forwarded_for_);
  if (before == 0 || pending_.size() <= PIPE_BUF) return;
  std::string last = pending_.substr(before);
  pending_.resize(before);
  flush();
  pending_ = std::move(last);
}

void RequestLog::flush() {
  if (pending_.empty()) return;
  [[maybe_unused]] const ssize_t written =
      ::write(STDOUT_FILENO, pending_.data(), pending_.size());
  pending_.clear();
}

}  // namespace vassal
