#include "vassal/request.h"

#include <charconv>

namespace vassal {

namespace {

/// Names whose later occurrence replaces the earlier one: what the front itself says, not
/// a header of the client.
bool is_header(std::string_view name) {
  return name.starts_with("HTTP_");
}

uint64_t bit_of(std::string_view name) {
  const auto c = [&](size_t i) {
    return static_cast<unsigned char>(name[i]);
  };
  const size_t n = name.size();
  return uint64_t{1} << ((n * 7 + c(n - 1) * 3u + c(n / 2) * 5u + c(n * 3 / 4)) & 63);
}

bool means_https(std::string_view value) {
  if (value.starts_with("1")) return true;
  return value.size() >= 2 && (value[0] | 0x20) == 'o' && (value[1] | 0x20) == 'n';
}

std::string_view known_scheme(std::string_view value) {
  if (value == "https") return "https";
  if (value == "http") return "http";
  return {};
}

/// Whether `host` ends in ":" and digits.
bool has_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  return colon != std::string_view::npos && colon + 1 < host.size() &&
         host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

}  // namespace

void Request::reset() {
  vars.clear();
  joined_.clear();
  method = script_name = path_info = uri = protocol = scheme = host = query = {};
  remote_addr = remote_user = user_agent = referer = forwarded_for = {};
  if_modified_since = server_name = server_port = length_text = {};
  forwarded_scheme_ = request_scheme_ = {};
  content_length.reset();
  var_count = block_size = 0;
  seen_ = 0;
  https_ = false;
}

const char* Request::parse(std::string_view block, uint8_t modifier1) {
  reset();
  block_size = static_cast<uint32_t>(block.size());
  wire::VarReader reader(block);
  while (const auto var = reader.next()) {
    ++var_count;
    take(*var);
  }
  if (reader.error() != nullptr) return reader.error();
  if (var_count == 0) return "an empty packet";
  if (!length_text.empty()) {
    uint64_t value = 0;
    const char* end = length_text.data() + length_text.size();
    const auto [at, error] = std::from_chars(length_text.data(), end, value);
    if (error != std::errc{} || at != end) return "CONTENT_LENGTH is not a number";
    content_length = value;
  }
  // modifier1 30: PATH_INFO still begins with SCRIPT_NAME.
  if (modifier1 == 30 && path_info.starts_with(script_name))
    path_info.remove_prefix(script_name.size());
  fill_absent();
  return nullptr;
}

void Request::take(const wire::Var& var) {
  if (take_known(var)) return;
  if (var.key.starts_with("UWSGI_")) return;
  add(var);
}

/// Notes the values that the server itself needs. True: the application gets this one in
/// another form, or not at all.
bool Request::take_known(const wire::Var& var) {
  const auto& [key, value] = var;
  switch (key.size()) {
    case 5:
      if (key == "HTTPS") https_ = means_https(value);
      return false;
    case 9:
      if (key == "PATH_INFO") return path_info = value, true;
      if (key == "HTTP_HOST") host = value;
      return false;
    case 10:
      return key == "HTTP_PROXY";
    case 11:
      if (key == "SCRIPT_NAME") return script_name = value == "/" ? "" : value, true;
      if (key == "REQUEST_URI")
        uri = value;
      else if (key == "REMOTE_ADDR")
        remote_addr = value;
      else if (key == "REMOTE_USER")
        remote_user = value;
      else if (key == "SERVER_NAME")
        server_name = value;
      else if (key == "SERVER_PORT")
        server_port = value;
      return false;
    case 12:
      if (key == "QUERY_STRING")
        query = value;
      else if (key == "HTTP_REFERER")
        referer = value;
      else if (key == "UWSGI_SCHEME")
        forwarded_scheme_ = known_scheme(value);
      else if (key == "CONTENT_TYPE")
        return value.empty();
      return false;
    case 14:
      if (key == "CONTENT_LENGTH") return length_text = value, true;
      if (key == "REQUEST_METHOD")
        method = value;
      else if (key == "REQUEST_SCHEME")
        request_scheme_ = known_scheme(value);
      return false;
    case 15:
      if (key == "SERVER_PROTOCOL")
        protocol = value;
      else if (key == "HTTP_USER_AGENT")
        user_agent = value;
      return false;
    case 17:
      return key == "HTTP_CONTENT_TYPE";
    case 19:
      return key == "HTTP_CONTENT_LENGTH";
    case 20:
      if (key == "HTTP_X_FORWARDED_FOR")
        forwarded_for = value;
      else if (key == "HTTP_X_FORWARDED_SSL")
        https_ = https_ || means_https(value);
      return false;
    case 22:
      if (key == "HTTP_IF_MODIFIED_SINCE")
        if_modified_since = value;
      else if (key == "HTTP_X_FORWARDED_PROTO")
        forwarded_scheme_ = known_scheme(value);
      // The body never reaches the application in chunks, so nothing may say that it does.
      return key == "HTTP_TRANSFER_ENCODING";
    default:
      return false;
  }
}

void Request::add(const wire::Var& var) {
  const uint64_t bit = bit_of(var.key);
  if ((seen_ & bit) != 0) {
    for (wire::Var& known : vars) {
      if (known.key != var.key) continue;
      if (is_header(var.key))
        join(known, var.value);
      else
        known.value = var.value;
      return;
    }
  }
  seen_ |= bit;
  vars.push_back(var);
}

void Request::join(wire::Var& into, std::string_view value) {
  // Debian's uwsgi_params may send the bare $host beside the client's Host: never joined,
  // the one with the port is what the application needs to build links.
  if (into.key == "HTTP_HOST") {
    if (has_port(into.value) && !has_port(value)) value = into.value;
    into.value = host = value;
    return;
  }
  std::string& owner = joined_.emplace_back(into.value);
  owner.append(into.key == "HTTP_COOKIE" ? "; " : ", ").append(value);
  into.value = owner;
}

void Request::fill_absent() {
  const auto give = [this](std::string_view key, std::string_view& field,
                           std::string_view value) {
    if (!field.empty()) return;
    field = value;
    add({key, value});
  };
  give("REQUEST_METHOD", method, "GET");
  give("SERVER_PROTOCOL", protocol, "HTTP/1.0");
  if (server_name.empty())
    give("SERVER_NAME", server_name,
         host.empty() ? "localhost" : host.substr(0, host.find(':')));
  give("SERVER_PORT", server_port, "80");
  if (query.empty()) add({"QUERY_STRING", ""});
  if (!forwarded_scheme_.empty())
    scheme = forwarded_scheme_;
  else if (https_)
    scheme = "https";
  else
    scheme = request_scheme_.empty() ? "http" : request_scheme_;
}

}  // namespace vassal
