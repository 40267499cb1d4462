// A normalised host name is normal, and never looks like a path.
#include "base/wire/host_name.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto host = wire::normalise_host(text)) {
    invariant(wire::normalise_host(*host) == host, "normalising twice changes nothing");
    invariant(host->find_first_of("/\\ \t\r\n") == std::string::npos, "no separators");
    invariant(host->find("..") == std::string::npos, "no dot-dot");
  }
  if (const auto domain = wire::normalise_domain(text))
    invariant(wire::normalise_domain(*domain) == domain, "a domain stays itself");
  return 0;
}
