// Bytes written in hexadecimal.
#pragma once

#include <string>
#include <string_view>

namespace support {

inline std::string from_hex(std::string_view text) {
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(
        static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

}  // namespace support
