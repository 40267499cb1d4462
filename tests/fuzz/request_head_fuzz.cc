// Whatever a packet holds, the host found in it is a normalised one that fits the buffer.
#include "router/request_head.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  wire::HostBuffer buffer;
  const auto head = router::read_request_head(bytes, buffer);
  if (!head || head->host.empty()) return 0;
  wire::HostBuffer again;
  const auto name = wire::normalise_host(head->host, again);
  invariant(name && *name == head->host, "a host is normalised once and for all");
  invariant(head->host.find('/') == std::string_view::npos, "a host is never a path");
  return 0;
}
