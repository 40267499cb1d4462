// A PROXY header is the same however much of it is there, and never as long as it likes.
#include "router/proxy_protocol.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = router::read_proxy_header(bytes);
  invariant(!header || *header || size < router::kMaxProxyHeader,
            "what is long enough is a header or none");
  if (!header || !*header) return 0;
  const size_t length = (*header)->size;
  invariant(length <= size && length <= router::kMaxProxyHeader, "it ends where it is");
  for (size_t n = 0; n < length; ++n) {
    const auto part = router::read_proxy_header(bytes.substr(0, n));
    invariant(part && !*part, "the beginning of a header is the beginning of one");
  }
  const auto exact = router::read_proxy_header(bytes.substr(0, length));
  invariant(exact && *exact && (*exact)->source_address == (*header)->source_address,
            "what follows it does not matter");
  invariant((*header)->known || (*header)->source_address.empty(),
            "nobody is named who is not known");
  invariant((*header)->source_address.size() < 46, "an address is an address");
  return 0;
}
