// printable() stands apart from the log: programs that write no log of their own (a
// vassal) use it without loading the library behind the log.
#include <string>
#include <string_view>

#include "base/log.h"

namespace base {

std::string printable(std::string_view text, size_t limit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out.push_back(c);
      continue;
    }
    out.append("\\x");
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  if (text.size() > limit) out += "...";
  return out;
}

}  // namespace base
