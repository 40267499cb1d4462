#include "base/ssh/wire.h"

#include <doctest/doctest.h>

using ssh::Reader;
using ssh::Writer;

TEST_SUITE("ssh") {
  TEST_CASE("ssh wire: what is written is read again, and nothing of it when cut") {
    const std::string bytes = Writer()
                                  .byte(7)
                                  .number(0x01020304)
                                  .string("text")
                                  .positive("\x80")
                                  .positive(std::string_view("\0\0\x01", 3))
                                  .bytes();
    for (size_t size = 0; size <= bytes.size(); ++size) {
      CAPTURE(size);
      Reader reader(std::string_view(bytes).substr(0, size));
      const bool whole = reader.byte() == 7 && reader.number() == 0x01020304U &&
                         reader.string() == "text" && reader.positive() == "\x80" &&
                         reader.positive() == "\x01" && reader.at_end();
      CHECK(whole == (size == bytes.size()));
    }
  }

  TEST_CASE("ssh wire: numbers of keys have one form") {
    for (const std::string_view bad :
         {std::string_view("\0\0\0\0", 4), std::string_view("\0\0\0\1\0", 5),
          std::string_view("\0\0\0\1\x80", 5), std::string_view("\0\0\0\3\0\0\1", 7),
          std::string_view("\xff\xff\xff\xff", 4)}) {
      Reader reader(bad);
      CHECK_FALSE(reader.positive());
      CHECK(reader.rest() == bad);
    }
  }

  TEST_CASE("ssh wire: base64 has one form") {
    for (const std::string_view bytes :
         {std::string_view(""), std::string_view("f"), std::string_view("fo"),
          std::string_view("foo"), std::string_view("\0\xff\xfe\x80", 4)})
      CHECK(ssh::decode_base64(ssh::encode_base64(bytes)) == bytes);
    CHECK(ssh::encode_base64("foob") == "Zm9vYg==");
    for (const char* bad :
         {"Zm9vYg", "Zm9vYh==", "Zm9v Yg=", "Zm9vYg=", "====", "Zm-_", "Zg==Zg==", "="}) {
      CAPTURE(bad);
      CHECK_FALSE(ssh::decode_base64(bad));
    }
  }
}
