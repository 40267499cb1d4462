#include "router/proxy_protocol.h"

#include <string>

#include <doctest/doctest.h>

namespace {

std::string version2(unsigned char command,
                     unsigned char family,
                     const std::string& block) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(block.size() >> 8);
  bytes += static_cast<char>(block.size() & 0xff);
  return bytes + block;
}

const std::string kV4("\x01\x02\x03\x04\x0a\x00\x00\x01\xd4\x31\x01\xbb", 12);
const std::string kV6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') +
                        "\x07" + std::string(15, '\0') + "\x01" +
                        std::string("\x00\x50\x1f\x90", 4);

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("proxy protocol: whom a good header names") {
    struct Row {
      std::string bytes;
      bool known;
      std::string source, source_port, destination, destination_port;
    };
    const Row rows[] = {
        {"PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", true, "192.0.2.1", "56324",
         "10.0.0.1", "443"},
        {"PROXY TCP6 2001:DB8:0:0::1 ::ffff:10.0.0.1 0 65535\r\n", true, "2001:db8::1",
         "0", "10.0.0.1", "65535"},
        {"PROXY UNKNOWN\r\n", false, "", "", "", ""},
        {"PROXY UNKNOWN ffff::1 what ever 1 2 3\r\n", false, "", "", "", ""},
        {version2(0x21, 0x11, kV4), true, "1.2.3.4", "54321", "10.0.0.1", "443"},
        {version2(0x21, 0x21, kV6), true, "2001:db8::7", "80", "::1", "8080"},
        {version2(0x21, 0x11, kV4 + "\x04\x00\x02zz"), true, "1.2.3.4", "54321",
         "10.0.0.1", "443"},
        {version2(0x21, 0x31, std::string(216, '\0')), true, "", "", "", ""},
        {version2(0x20, 0x00, ""), false, "", "", "", ""},
        {version2(0x20, 0x11, kV4), false, "", "", "", ""},
        {version2(0x21, 0x00, "whatever"), false, "", "", "", ""},
        {version2(0x21, 0x12, kV4), false, "", "", "", ""},
    };
    for (const Row& row : rows) {
      CAPTURE(row.bytes);
      const auto header = router::read_proxy_header(row.bytes + "GET / HTTP/1.1\r\n");
      REQUIRE(header);
      REQUIRE(*header);
      CHECK((*header)->size == row.bytes.size());
      CHECK((*header)->known == row.known);
      CHECK((*header)->source_address == row.source);
      CHECK((*header)->source_port == row.source_port);
      CHECK((*header)->destination_address == row.destination);
      CHECK((*header)->destination_port == row.destination_port);
      for (size_t n = 0; n < row.bytes.size(); ++n) {
        CAPTURE(n);
        const auto part = router::read_proxy_header(row.bytes.substr(0, n));
        REQUIRE(part);
        CHECK_FALSE(*part);
      }
    }
  }

  TEST_CASE("proxy protocol: what is no header is a fault, as early as it can be seen") {
    const std::string rows[] = {
        "GET / HTTP/1.1\r\n",
        "\x16\x03\x01",
        "PROXZ",
        "PROXY\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 \r\n",
        "PROXY TCP4 192.0.2.1  10.0.0.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 56324 65536\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 -1 443\r\n",
        "PROXY TCP4 192.0.2.1 10.0.0.1 0443 443\r\n",
        "PROXY TCP4 192.0.2 10.0.0.1 1 443\r\n",
        "PROXY TCP4 ::1 ::1 1 443\r\n",
        "PROXY TCP6 192.0.2.1 10.0.0.1 1 443\r\n",
        "PROXY UDP4 192.0.2.1 10.0.0.1 1 443\r\n",
        "PROXY tcp4 192.0.2.1 10.0.0.1 1 443\r\n",
        "PROXY TCP4 192.0.2.1\r10.0.0.1 1 443\r\n",
        std::string("PROXY TCP4 192.0.2.1\0 10.0.0.1 1 443\r\n", 39),
        "PROXY UNKNOWN " + std::string(200, 'x') + "\r\n",
        "PROXY UNKNOWN " + std::string(93, 'x'),
        version2(0x11, 0x11, kV4),
        version2(0x22, 0x11, kV4),
        version2(0x21, 0x41, kV4),
        version2(0x21, 0x11, kV4.substr(0, 11)),
        version2(0x21, 0x21, kV4),
        version2(0x21, 0x31, kV4),
        version2(0x21, 0x11, kV4 + std::string(9000, '\0')),
        std::string("\r\n\r\n\0\r\nQUIT ", 12),
    };
    for (const std::string& row : rows) {
      CAPTURE(row);
      CHECK_FALSE(router::read_proxy_header(row));
    }
  }
}
