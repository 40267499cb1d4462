#include "vassal/runtimes/python/scope.h"

#include <algorithm>

#include "base/values.h"

namespace vassal::python {

namespace {

/// A client may send any names it likes: only so many are remembered.
constexpr size_t kMaxNames = 256;
constexpr std::string_view kPrefix = "HTTP_";

Ref bytes(std::string_view text) {
  return Ref(
      PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}

/// Paths are UTF-8 by convention only.
Ref utf8(std::string_view text) {
  return Ref(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

enum class Key : uint8_t {
  type,
  asgi,
  http_version,
  scheme,
  path,
  raw_path,
  query_string,
  root_path,
  headers,
  client,
  server,
  method,
  subprotocols,
  extensions
};
/// By Key.
constexpr const char* kKeys[] = {"type",         "asgi",      "http_version", "scheme",
                                 "path",         "raw_path",  "query_string", "root_path",
                                 "headers",      "client",    "server",       "method",
                                 "subprotocols", "extensions"};

/// A dict that is filled; no longer good once something failed.
class Filling {
 public:
  explicit Filling(const std::vector<Ref>& keys) : keys_(keys), dict_(PyDict_New()) {}

  void put(Key key, const Ref& value) {
    good_ = good_ && dict_ && value &&
            PyDict_SetItem(dict_.get(), keys_[static_cast<size_t>(key)].get(),
                           value.get()) == 0;
  }
  Ref result() { return good_ ? std::move(dict_) : Ref(); }

 private:
  const std::vector<Ref>& keys_;
  Ref dict_;
  bool good_ = true;
};

std::string_view variable(const Request& request, std::string_view name) {
  const auto found = std::ranges::find(request.vars, name, &wire::Var::key);
  return found == request.vars.end() ? std::string_view() : found->value;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool same(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case,
                            [](char a, char b) { return lower(a) == b; });
}

/// Whether a list of words, separated by commas, holds one.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, end);
    while (item.starts_with(' ') || item.starts_with('\t'))
      item.remove_prefix(1);
    while (item.ends_with(' ') || item.ends_with('\t'))
      item.remove_suffix(1);
    if (same(item, word)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

/// "HTTP/1.1" is "1.1", "HTTP/2.0" is "2".
std::string_view version_of(std::string_view protocol) {
  if (!protocol.starts_with("HTTP/")) return "1.1";
  protocol.remove_prefix(5);
  return protocol == "2.0" ? "2" : protocol == "3.0" ? "3" : protocol;
}

/// The target without its query; of an absolute one, the path alone.
std::string_view raw_path(const Request& request) {
  std::string_view target = request.uri;
  if (const size_t scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
  }
  return target.substr(0, target.find('?'));
}

/// ("127.0.0.1", 80), or None without an address.
Ref address(std::string_view host, std::string_view port) {
  if (host.empty()) return Ref::share(Py_None);
  const uint64_t number = base::parse_unsigned(port).value_or(0);
  const Ref text = latin1(host);
  return Ref(text ? Py_BuildValue("(OK)", text.get(), number) : nullptr);
}

Ref subprotocols(std::string_view offered) {
  Ref list(PyList_New(0));
  while (list && !offered.empty()) {
    const size_t end = std::min(offered.find(','), offered.size());
    std::string_view item = offered.substr(0, end);
    while (item.starts_with(' '))
      item.remove_prefix(1);
    while (item.ends_with(' '))
      item.remove_suffix(1);
    const Ref text = latin1(item);
    if (!text || (!item.empty() && PyList_Append(list.get(), text.get()) != 0))
      return Ref();
    offered.remove_prefix(std::min(end + 1, offered.size()));
  }
  return list;
}

}  // namespace

bool asks_for_websocket(const Request& request) {
  return request.method == "GET" &&
         lists(variable(request, "HTTP_UPGRADE"), "websocket") &&
         lists(variable(request, "HTTP_CONNECTION"), "upgrade");
}

/// A reference of its own.
PyObject* ScopeMaker::header_name(std::string_view name) {
  if (const auto known = names_.find(std::string(name)); known != names_.end())
    return Py_NewRef(known->second.get());
  std::string text(name.substr(name.starts_with(kPrefix) ? kPrefix.size() : 0));
  for (char& c : text)
    c = c == '_' ? '-' : lower(c);
  Ref object = bytes(text);
  if (!object) return nullptr;
  PyObject* const result = Py_NewRef(object.get());
  if (names_.size() < kMaxNames) names_.emplace(name, std::move(object));
  return result;
}

Ref ScopeMaker::headers(const Request& request) {
  Ref list(PyList_New(0));
  const auto add = [&](std::string_view name, std::string_view value) {
    const Ref pair(PyTuple_New(2));
    if (!pair) return false;
    PyTuple_SET_ITEM(pair.get(), 0, header_name(name));
    PyTuple_SET_ITEM(pair.get(), 1, bytes(value).release());
    return PyTuple_GET_ITEM(pair.get(), 0) != nullptr &&
           PyTuple_GET_ITEM(pair.get(), 1) != nullptr &&
           PyList_Append(list.get(), pair.get()) == 0;
  };
  bool good = static_cast<bool>(list);
  for (const wire::Var& var : request.vars)
    if (var.key.starts_with(kPrefix) || var.key == "CONTENT_TYPE")
      good = good && add(var.key, var.value);
  if (!request.length_text.empty())
    good = good && add("CONTENT_LENGTH", request.length_text);
  return good ? std::move(list) : Ref();
}

Ref ScopeMaker::make(const Request& request, bool websocket) {
  if (keys_.empty())
    for (const char* key : kKeys)
      keys_.emplace_back(PyUnicode_InternFromString(key));
  const bool secure = request.scheme == "https";
  const std::string path = std::string(request.script_name).append(request.path_info);
  Filling scope(keys_);
  scope.put(Key::type, latin1(websocket ? "websocket" : "http"));
  scope.put(Key::asgi,
            Ref(Py_BuildValue("{ssss}", "version", "3.0", "spec_version", "2.3")));
  scope.put(Key::http_version, latin1(version_of(request.protocol)));
  scope.put(Key::scheme, latin1(websocket ? (secure ? "wss" : "ws") : request.scheme));
  scope.put(Key::path, utf8(path));
  scope.put(Key::raw_path, bytes(raw_path(request)));
  scope.put(Key::query_string, bytes(request.query));
  scope.put(Key::root_path, utf8(request.script_name));
  scope.put(Key::headers, headers(request));
  scope.put(Key::client, address(request.remote_addr, variable(request, "REMOTE_PORT")));
  scope.put(Key::server, address(request.server_name, request.server_port));
  if (!websocket) {
    scope.put(Key::method, latin1(request.method));
    return scope.result();
  }
  scope.put(Key::subprotocols,
            subprotocols(variable(request, "HTTP_SEC_WEBSOCKET_PROTOCOL")));
  scope.put(Key::extensions, Ref(Py_BuildValue("{s{}}", "websocket.http.response")));
  return scope.result();
}

}  // namespace vassal::python
