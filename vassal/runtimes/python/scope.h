// Scope: what an ASGI application is told about a request or a WebSocket (ASGI 3, "HTTP &
// WebSocket", version 2.3).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vassal/request.h"
#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

/// Whether the request asks for a WebSocket (RFC 6455, 4.2.1); the key and the version
/// are the handshake's.
bool asks_for_websocket(const Request& request);

class ScopeMaker {
 public:
  /// A new dict; null with a Python error set when memory is short. Without "state".
  Ref make(const Request& request, bool websocket);

 private:
  PyObject* header_name(std::string_view name);
  Ref headers(const Request& request);

  std::vector<Ref> keys_;  // of the dict
  // The names of headers as the application gets them, by those of variables.
  std::unordered_map<std::string, Ref> names_;
};

}  // namespace vassal::python
