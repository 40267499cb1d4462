#include "router/proxied_head.h"

#include <algorithm>
#include <array>

#include "base/wire/host_name.h"
#include "base/wire/uwsgi_packet.h"
#include "router/http_field.h"
#include "router/http_message.h"

namespace router {

namespace {

constexpr Refusal kBadTarget{400, "The target of the request is not valid."};
constexpr Refusal kBadMethod{405, "This method is not served here."};
constexpr Refusal kBadField{400, "A header of the request has invalid characters."};
constexpr Refusal kNoUpgrade{400, "The request names no protocol to upgrade to."};

constexpr std::string_view kPrefix = "HTTP_";

/// The variables that are not simply a field.
struct Asked {
  std::string_view method;
  std::string_view uri;
  std::string_view script_name;
  std::string_view path_info;
  std::string_view query;
  std::string_view host;
  std::string_view server_name;
  std::string_view content_type;
  std::string_view connection;
  std::string_view upgrade;
  std::string_view scheme;
  std::string_view https;
  std::string_view forwarded_scheme;
  std::string_view remote_address;
};

struct Row {
  std::string_view key;
  std::string_view Asked::* value;
};
constexpr std::array kRows{
    Row{"REQUEST_METHOD", &Asked::method},
    Row{"REQUEST_URI", &Asked::uri},
    Row{"SCRIPT_NAME", &Asked::script_name},
    Row{"PATH_INFO", &Asked::path_info},
    Row{"QUERY_STRING", &Asked::query},
    Row{"HTTP_HOST", &Asked::host},
    Row{"SERVER_NAME", &Asked::server_name},
    Row{"CONTENT_TYPE", &Asked::content_type},
    Row{"HTTP_CONNECTION", &Asked::connection},
    Row{"HTTP_UPGRADE", &Asked::upgrade},
    Row{"REQUEST_SCHEME", &Asked::scheme},
    Row{"HTTPS", &Asked::https},
    Row{"HTTP_X_FORWARDED_PROTO", &Asked::forwarded_scheme},
    Row{"REMOTE_ADDR", &Asked::remote_address},
};

/// Of a variable that comes twice the last one with a value counts, as for the route.
void note(const wire::Var& var, Asked& asked) {
  if (var.value.empty()) return;
  for (const Row& row : kRows)
    if (var.key == row.key) asked.*row.value = var.value;
}

/// Fields that are said otherwise, could be taken for a setting (httpoxy), or belong to
/// this hop.
bool is_left_out(std::string_view name) {
  constexpr std::array<std::string_view, 8> kLeftOut{
      "Host",  "Content-Length", "Content-Type",    "Transfer-Encoding",
      "Proxy", "Expect",         "X-Forwarded-For", "X-Forwarded-Proto"};
  return is_of_this_hop(name) || std::ranges::any_of(kLeftOut, [&](auto other) {
           return same_name(name, other);
         });
}

/// Fields by which a front speaks. A client that names them in Connection does not take
/// the front's word away.
bool is_fronts_word(std::string_view name) {
  constexpr std::string_view kForwarded = "X-Forwarded-";
  return same_name(name.substr(0, kForwarded.size()), kForwarded) ||
         same_name(name, "Forwarded") || same_name(name, "X-Real-IP");
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// "ACCEPT_LANGUAGE" -> "Accept-Language"
void append_field_name(std::string_view variable, std::string& out) {
  constexpr char kCase = 'a' - 'A';
  out += variable;
  char* to = out.data() + out.size() - variable.size();
  bool first = true;
  for (const char c : variable) {
    if (c == '_')
      *to++ = '-';
    else if (is_letter(c))
      *to++ = static_cast<char>(first ? c & ~kCase : c | kCase);
    else
      *to++ = c;
    first = c == '_' || c == '-';
  }
}

bool append_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += ": ";
  out += trimmed(value);
  out += "\r\n";
  return is_field_value(value);
}

bool is_path_char(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/";
  return is_letter(c) || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

void append_encoded(std::string_view path, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : path) {
    if (is_path_char(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
}

/// The path and query of a target: of an absolute one ("http://host/path") without its
/// authority, and never with a fragment.
void append_target(const Asked& asked, std::string& out) {
  std::string_view uri = asked.uri;
  if (uri.empty()) {
    append_encoded(asked.script_name, out);
    append_encoded(asked.path_info, out);
    if (asked.script_name.empty() && asked.path_info.empty()) out += '/';
    if (!asked.query.empty()) out += '?';
    out += asked.query;
    return;
  }
  const size_t scheme = uri.find("://");
  if (!uri.starts_with('/') && scheme != std::string_view::npos) {
    uri.remove_prefix(scheme + 3);
    uri.remove_prefix(std::min(uri.find_first_of("/?#"), uri.size()));
    if (!uri.starts_with('/')) out += '/';
  }
  out += uri.substr(0, uri.find('#'));
}

bool is_target(std::string_view text, std::string_view method) {
  if (text == "*") return method == "OPTIONS";
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte > ' ' && byte != 0x7f;
         });
}

std::optional<Refusal> append_request_line(const Asked& asked, std::string& out) {
  if (!is_token(asked.method) || asked.method == "CONNECT") return kBadMethod;
  out += asked.method;
  out += ' ';
  const size_t target = out.size();
  append_target(asked, out);
  if (!is_target(std::string_view(out).substr(target), asked.method)) return kBadTarget;
  out += " HTTP/1.1\r\n";
  const std::string_view host = asked.host.empty() ? asked.server_name : asked.host;
  wire::HostBuffer buffer;
  if (!wire::normalise_host(host, buffer) || !append_field("Host", host, out))
    return refusals::kBadHost;
  return std::nullopt;
}

/// Appends the field of an HTTP_ variable, unless it is not passed on.
bool append_variable(const wire::Var& var, const Asked& asked, std::string& out) {
  const size_t before = out.size();
  append_field_name(var.key.substr(kPrefix.size()), out);
  const auto name = std::string_view(out).substr(before);
  const bool token = is_token(name);
  const bool drop =
      is_left_out(name) || (!is_fronts_word(name) && lists(asked.connection, name));
  if (drop || !token) {
    out.resize(before);
    return drop;
  }
  return append_field("", var.value, out);
}

bool append_forwarded(std::string_view block, const Asked& asked, std::string& out) {
  std::string chain;
  const auto add = [&chain](std::string_view address) {
    if (address.empty()) return;
    if (!chain.empty()) chain += ", ";
    chain += trimmed(address);
  };
  wire::VarReader vars(block);
  while (const auto var = vars.next())
    if (var->key == "HTTP_X_FORWARDED_FOR") add(var->value);
  add(asked.remote_address);
  std::string_view scheme = asked.forwarded_scheme;
  if (scheme.empty()) scheme = asked.scheme;
  if (scheme.empty()) scheme = asked.https == "on" ? "https" : "http";
  return (chain.empty() || append_field("X-Forwarded-For", chain, out)) &&
         append_field("X-Forwarded-Proto", scheme, out);
}

bool usually_has_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

bool append_framing(const Asked& asked, const RequestShape& shape, std::string& out) {
  if (!asked.content_type.empty() &&
      !append_field("Content-Type", asked.content_type, out))
    return false;
  if (shape.body_end == BodyEnd::unknown)
    append_field("Transfer-Encoding", "chunked", out);
  else if (shape.body_end == BodyEnd::length)
    append_field("Content-Length", std::to_string(shape.length), out);
  else if (usually_has_body(asked.method))
    append_field("Content-Length", "0", out);
  if (!shape.upgrade) return true;
  append_field("Connection", "Upgrade", out);
  return append_field("Upgrade", asked.upgrade, out);
}

}  // namespace

std::optional<Refusal> append_proxied_head(std::string_view block,
                                           const RequestShape& shape,
                                           std::string& out) {
  Asked asked;
  wire::VarReader all(block);
  while (const auto var = all.next())
    note(*var, asked);
  if (all.error() != nullptr) return refusals::kMalformed;
  if (shape.upgrade && asked.upgrade.empty()) return kNoUpgrade;

  out.reserve(out.size() + block.size() + 256);
  if (const auto refusal = append_request_line(asked, out)) return refusal;
  wire::VarReader vars(block);
  while (const auto var = vars.next())
    if (var->key.starts_with(kPrefix) && !append_variable(*var, asked, out))
      return kBadField;
  if (!append_forwarded(block, asked, out) || !append_framing(asked, shape, out))
    return kBadField;
  out += "\r\n";
  return std::nullopt;
}

}  // namespace router
