#include "router/peer_networks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace router {

namespace {

using Bytes = std::array<uint8_t, 16>;

struct Address {
  Bytes bytes{};
  unsigned bits = 128;  ///< of its own kind: 32 for IPv4
};

std::optional<Address> parse_address(const std::string& text) {
  Address address;
  if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  std::fill_n(address.bytes.begin() + 10, 2, uint8_t{0xff});
  address.bits = 32;
  if (::inet_pton(AF_INET, text.c_str(), address.bytes.data() + 12) == 1) return address;
  return std::nullopt;
}

bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<ptrdiff_t>(whole), b.begin()))
    return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

bool PeerNetworks::add(const std::string& text) {
  if (text == "unix") return unix_ = true;
  const size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return false;
  unsigned bits = address->bits;
  if (slash != std::string::npos) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc{} || stop != end || bits > address->bits) return false;
  }
  networks_.push_back({address->bytes, bits + (128 - address->bits)});
  return true;
}

bool PeerNetworks::contains(const std::string& address) const {
  if (address.empty()) return unix_;
  const auto parsed = parse_address(address);
  return parsed && std::ranges::any_of(networks_, [&](const Network& network) {
           return same_prefix(network.prefix, parsed->bytes, network.bits);
         });
}

}  // namespace router
