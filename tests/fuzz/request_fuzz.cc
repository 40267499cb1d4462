// Whatever stands in a packet, the application gets each name once, and none that a
// client could abuse.
#include <set>

#include "tests/fuzz/invariant.h"
#include "vassal/request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > wire::kMaxBlock) return 0;
  const uint8_t modifier = data[0] % 2 == 0 ? 0 : vassal::kScriptNameModifier;
  static vassal::Request request;  // as in a worker: what came before must not matter
  const std::string_view block(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (request.parse(block, modifier) != nullptr) return 0;
  std::set<std::string_view> names;
  for (const auto& [name, value] : request.vars) {
    invariant(names.insert(name).second, "each name once");
    invariant(!name.starts_with("UWSGI_"), "nothing that makes a server act");
    for (const char* dropped : {"HTTP_PROXY", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE",
                                "HTTP_TRANSFER_ENCODING", "CONTENT_LENGTH"})
      invariant(name != dropped, "nothing that a client could abuse");
  }
  invariant(names.contains("REQUEST_METHOD") && names.contains("SERVER_NAME"),
            "what PEP 3333 demands is there");
  invariant(request.scheme == "http" || request.scheme == "https", "a known scheme");
  return 0;
}
