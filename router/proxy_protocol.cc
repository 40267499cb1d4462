#include "router/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace router {

namespace {

using Parsed = std::expected<std::optional<ProxyHeader>, std::string_view>;

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::string_view kVersion2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kMaxLine = 107;
constexpr size_t kFixed = 16;  // of version 2

std::unexpected<std::string_view> wrong(std::string_view what) {
  return std::unexpected(what);
}

/// Whether one begins with the other.
bool may_become(std::string_view bytes, std::string_view mark) {
  const size_t both = std::min(bytes.size(), mark.size());
  return bytes.substr(0, both) == mark.substr(0, both);
}

std::string text_of(int family, const char* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(family, address, text.data(), text.size()) == nullptr) return {};
  std::string_view written(text.data());
  if (written.starts_with("::ffff:") && written.find('.') != written.npos)
    written.remove_prefix(7);
  return std::string(written);
}

// ---- version 1: a line
// ---------------------------------------------------------------------------

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::optional<std::string> line_address(int family, std::string_view word) {
  std::array<char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(family, std::string(word).c_str(), bytes.data()) != 1)
    return std::nullopt;
  return text_of(family, bytes.data());
}

bool is_port(std::string_view word) {
  uint16_t port = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, port);
  return error == std::errc{} && stop == end && (word == "0" || !word.starts_with('0'));
}

Parsed read_line(std::string_view bytes) {
  const size_t end = bytes.substr(0, kMaxLine).find('\n');
  if (end == bytes.npos)
    return bytes.size() < kMaxLine ? Parsed(std::nullopt) : wrong("the line is too long");
  if (bytes[end - 1] != '\r') return wrong("the line ends without a carriage return");
  const std::string_view line = bytes.substr(0, end - 1);
  if (line.find_first_of(std::string_view("\r\0", 2)) != line.npos)
    return wrong("the line has control characters");
  ProxyHeader header{.size = end + 1};
  const auto words = words_of(line);
  if (words.size() >= 2 && words[1] == "UNKNOWN") return header;
  if (words.size() != 6) return wrong("the line has not six words");
  const int family = words[1] == "TCP4" ? AF_INET : words[1] == "TCP6" ? AF_INET6 : -1;
  if (family < 0) return wrong("the line names another family than TCP4 and TCP6");
  const auto source = line_address(family, words[2]);
  const auto destination = line_address(family, words[3]);
  if (!source || !destination) return wrong("the line has an address that is none");
  if (!is_port(words[4]) || !is_port(words[5]))
    return wrong("the line has a port that is none");
  header.known = true;
  header.source_address = *source;
  header.destination_address = *destination;
  header.source_port = words[4];
  header.destination_port = words[5];
  return header;
}

// ---- version 2: bytes
// ----------------------------------------------------------------------------

unsigned number(std::string_view two) {
  return static_cast<unsigned>(static_cast<unsigned char>(two[0])) << 8 |
         static_cast<unsigned char>(two[1]);
}

Parsed read_addresses(int family, std::string_view block, ProxyHeader header) {
  const size_t size = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  if (block.size() < 2 * size + 4) return wrong("the addresses are cut off");
  header.known = true;
  header.source_address = text_of(family, block.data());
  header.destination_address = text_of(family, block.data() + size);
  header.source_port = std::to_string(number(block.substr(2 * size, 2)));
  header.destination_port = std::to_string(number(block.substr(2 * size + 2, 2)));
  return header;
}

Parsed read_block(std::string_view bytes) {
  if (bytes.size() < kFixed) return std::nullopt;
  const auto command = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]);
  const size_t length = number(bytes.substr(14, 2));
  if (command != 0x20 && command != 0x21)
    return wrong("the version or command is unknown");
  if (kFixed + length > kMaxProxyHeader) return wrong("the header is too large");
  if (bytes.size() < kFixed + length) return std::nullopt;
  ProxyHeader header{.size = kFixed + length};
  if (command == 0x20) return header;  // LOCAL: the balancer itself, to see if we live
  const std::string_view block = bytes.substr(kFixed, length);
  constexpr size_t kUnixPaths = 216;
  switch (family) {
    case 0x11:
      return read_addresses(AF_INET, block, std::move(header));
    case 0x21:
      return read_addresses(AF_INET6, block, std::move(header));
    case 0x31:
      if (block.size() < kUnixPaths) return wrong("the addresses are cut off");
      header.known = true;  // paths are nobody's address
      return header;
    case 0x00:
    case 0x12:
    case 0x22:
    case 0x32:
      return header;  // nothing that could be said of a stream
    default:
      return wrong("the family or transport is unknown");
  }
}

}  // namespace

Parsed read_proxy_header(std::string_view bytes) {
  if (!may_become(bytes, kVersion1) && !may_become(bytes, kVersion2))
    return wrong("there is none");
  if (bytes.size() < kVersion1.size()) return std::nullopt;
  return bytes.starts_with(kVersion1) ? read_line(bytes) : read_block(bytes);
}

}  // namespace router
