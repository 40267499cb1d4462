#include "router/access_line.h"

#include <array>
#include <ctime>

#include <fmt/core.h>
#include <fmt/format.h>

namespace router {

namespace {

using SystemTime = std::chrono::system_clock::time_point;

std::string time_text(const char* format, SystemTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text;
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

void append_or_dash(std::string& out, std::string_view text) {
  if (text.empty())
    out += '-';
  else
    append_escaped(out, text);
}

/// A word between spaces: it has none.
void append_word(std::string& out, std::string_view text) {
  const size_t begin = out.size();
  append_or_dash(out, text);
  for (size_t i = begin; i < out.size(); ++i)
    if (out[i] == ' ') out[i] = '_';
}

void append_request_line(std::string& out, const Served& served) {
  out += " \"";
  if (served.method.empty() && served.target.empty()) {
    out += '-';
  } else {
    append_escaped(out, served.method);
    out += ' ';
    append_escaped(out, served.target);
    out += ' ';
    append_escaped(out, served.protocol);
  }
  out += '"';
}

std::string common_line(const Served& served, SystemTime now) {
  std::string out;
  append_word(out, served.client);
  out += " - ";
  append_word(out, served.user);
  out += time_text(" [%d/%b/%Y:%H:%M:%S +0000]", now);
  append_request_line(out, served);
  const bool known = served.status != 0;
  out += known ? fmt::format(" {} {}", served.status, served.sent) : " - -";
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  out += " \"";
  append_or_dash(out, text);
  out += '"';
}

// ---- JSON
// ---------------------------------------------------------------------------------------

/// Members of one object; what is empty is left out.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    begin(name);
    append_json(out_, value);
  }
  void number(std::string_view name, uint64_t value) {
    begin(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void milliseconds(std::string_view name,
                    const std::optional<base::Instant>& at,
                    base::Instant from) {
    if (!at) return;
    begin(name);
    const std::chrono::duration<double, std::milli> took = *at - from;
    fmt::format_to(std::back_inserter(out_), "{:.3f}", took.count());
  }
  void end() { out_ += '}'; }

 private:
  void begin(std::string_view name) {
    fmt::format_to(std::back_inserter(out_), "{}\"{}\":", first_ ? "" : ",", name);
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
};

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::handed_over:
      return "handed over";
    case Outcome::relayed:
      return "relayed";
    case Outcome::refused:
      return "refused";
  }
  return "";
}

std::string iso_time(SystemTime now) {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::seconds;
  const auto since = now.time_since_epoch();
  const auto ms = duration_cast<milliseconds>(since - duration_cast<seconds>(since));
  return fmt::format("{}.{:03}Z", time_text("%Y-%m-%dT%H:%M:%S", now), ms.count());
}

void append_refusal(Object& object, const Served& served) {
  if (served.refusal == nullptr) return;
  object.text("cause", wire::name_of(served.refusal->cause));
  object.text("hop", hop_text(served));
  object.text("limit", limit_of(served.refusal->cause));
}

std::string json_line(const Served& served, SystemTime now) {
  std::string out;
  Object object(out);
  object.text("time", iso_time(now));
  object.text("door", served.door);
  object.text("client", served.client);
  object.text("user", served.user);
  object.text("host", served.host);
  object.text("method", served.method);
  object.text("target", served.target);
  object.text("protocol", served.protocol);
  object.text("how", name_of(served.outcome));
  if (served.status != 0) object.number("status", static_cast<uint64_t>(served.status));
  object.number("received", served.received);
  if (served.outcome != Outcome::handed_over) object.number("sent", served.sent);
  object.text("referer", served.referer);
  object.text("user_agent", served.user_agent);
  object.text("node", served.node);
  if (!served.node.empty())  // when a worker took it is not known
    object.milliseconds("queue_ms", served.connected, served.arrived);
  object.milliseconds("first_byte_ms", served.first_byte, served.arrived);
  object.milliseconds("total_ms", served.ended, served.arrived);
  append_refusal(object, served);
  object.end();
  return out;
}

}  // namespace

std::optional<AccessFormat> parse_access_format(std::string_view name) {
  if (name == "common") return AccessFormat::common;
  if (name == "combined") return AccessFormat::combined;
  if (name == "json") return AccessFormat::json;
  return std::nullopt;
}

std::string access_line(AccessFormat format, const Served& served, SystemTime now) {
  const Served whole = with_packet(served);
  if (format == AccessFormat::json) return json_line(whole, now) + '\n';
  std::string out = common_line(whole, now);
  if (format == AccessFormat::combined) {
    append_quoted(out, whole.referer);
    append_quoted(out, whole.user_agent);
  }
  return out + '\n';
}

void append_escaped(std::string& out, std::string_view text, size_t limit) {
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\')
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
  }
  if (text.size() > limit) out += "...";
}

void append_json(std::string& out, std::string_view text, size_t limit) {
  out += '"';
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte >= 0x20 && byte < 0x7f)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
  }
  if (text.size() > limit) out += "...";
  out += '"';
}

}  // namespace router
