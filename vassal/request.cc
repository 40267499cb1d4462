#include "vassal/request.h"

#include <algorithm>
#include <array>

#include "base/values.h"

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
    content_length = base::parse_unsigned(length_text);
    if (!content_length) return "CONTENT_LENGTH is not a number";
  }
  if (script_name == "/") script_name = {};
  if (modifier1 == kScriptNameModifier && path_info.starts_with(script_name))
    path_info.remove_prefix(script_name.size());
  fill_absent();
  return nullptr;
}

/// What the server does with a variable that it knows.
enum class Request::Use : uint8_t {
  note,           ///< keeps the value for itself, too
  take,           ///< keeps it; the application gets it in another form
  drop,           ///< nobody gets it
  drop_if_empty,  ///< an absent CONTENT_TYPE is not an empty one
  https,          ///< says whether TLS is used
  scheme,         ///< names the scheme
};

struct Request::Known {
  std::string_view name;
  Use use;
  std::string_view Request::* field = nullptr;
};

/// By length, so that a name is compared with a handful of others at most.
struct Request::KnownNames {
  static constexpr Known kRows[] = {
      {"HTTPS", Use::https},
      {"PATH_INFO", Use::take, &Request::path_info},
      {"HTTP_HOST", Use::note, &Request::host},
      {"HTTP_PROXY", Use::drop},
      {"SCRIPT_NAME", Use::take, &Request::script_name},
      {"REQUEST_URI", Use::note, &Request::uri},
      {"REMOTE_ADDR", Use::note, &Request::remote_addr},
      {"REMOTE_USER", Use::note, &Request::remote_user},
      {"SERVER_NAME", Use::note, &Request::server_name},
      {"SERVER_PORT", Use::note, &Request::server_port},
      {"QUERY_STRING", Use::note, &Request::query},
      {"HTTP_REFERER", Use::note, &Request::referer},
      {"UWSGI_SCHEME", Use::scheme, &Request::forwarded_scheme_},
      {"CONTENT_TYPE", Use::drop_if_empty},
      {"CONTENT_LENGTH", Use::take, &Request::length_text},
      {"REQUEST_METHOD", Use::note, &Request::method},
      {"REQUEST_SCHEME", Use::scheme, &Request::request_scheme_},
      {"SERVER_PROTOCOL", Use::note, &Request::protocol},
      {"HTTP_USER_AGENT", Use::note, &Request::user_agent},
      {"HTTP_CONTENT_TYPE", Use::drop},
      {"HTTP_CONTENT_LENGTH", Use::drop},
      {"HTTP_X_FORWARDED_FOR", Use::note, &Request::forwarded_for},
      {"HTTP_X_FORWARDED_SSL", Use::https},
      {"HTTP_IF_MODIFIED_SINCE", Use::note, &Request::if_modified_since},
      {"HTTP_X_FORWARDED_PROTO", Use::scheme, &Request::forwarded_scheme_},
      // The body never reaches the application in chunks, so nothing may say that it
      // does.
      {"HTTP_TRANSFER_ENCODING", Use::drop},
  };
  static constexpr size_t kLongest = 22;
  static_assert(std::ranges::is_sorted(kRows, {}, [](const Known& k) {
    return k.name.size();
  }));

  /// Index of the first row whose name has at least `size` characters.
  static constexpr std::array<uint8_t, kLongest + 2> kFirst = [] {
    std::array<uint8_t, kLongest + 2> first{};
    for (size_t size = 0; size < first.size(); ++size)
      for (const Known& row : kRows)
        if (row.name.size() < size) ++first[size];
    return first;
  }();

  static const Known* find(std::string_view name) {
    if (name.size() > kLongest) return nullptr;
    for (size_t i = kFirst[name.size()]; i < kFirst[name.size() + 1]; ++i)
      if (kRows[i].name == name) return &kRows[i];
    return nullptr;
  }
};

void Request::take(const wire::Var& var) {
  if (const Known* known = KnownNames::find(var.key);
      known != nullptr && use(*known, var.value))
    return;
  if (!var.key.starts_with("UWSGI_")) add(var);
}

/// Notes what the server itself needs. True: the application does not get this variable
/// as it is.
bool Request::use(const Known& known, std::string_view value) {
  switch (known.use) {
    case Use::note:
      this->*known.field = value;
      return false;
    case Use::take:
      this->*known.field = value;
      return true;
    case Use::drop:
      return true;
    case Use::drop_if_empty:
      return value.empty();
    case Use::https:
      https_ = https_ || means_https(value);
      return false;
    case Use::scheme:
      this->*known.field = known_scheme(value);
      return false;
  }
  return false;
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
