// Whatever a packet says, a line of the access log is one line of printable characters.
#include <algorithm>

#include "router/access_line.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using router::AccessFormat;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const router::Served served{.door = "uwsgi", .status = 200, .packet = bytes};
  for (const auto format :
       {AccessFormat::common, AccessFormat::combined, AccessFormat::json}) {
    const std::string line = router::access_line(format, served, {});
    invariant(line.ends_with('\n'), "a line ends");
    invariant(std::ranges::all_of(std::string_view(line).substr(0, line.size() - 1),
                                  [](char c) { return c >= ' ' && c < 0x7f; }),
              "nothing in a line drives a terminal or begins another line");
  }
  return 0;
}
