// Messages between Imperium's own processes.
#include "base/wire/message.h"

#include <doctest/doctest.h>

using wire::Message;

TEST_SUITE("wire") {
  TEST_CASE("message: fields come back in order, repeated ones too") {
    Message message{.verb = "route", .fields = {}};
    message.set("host", "a.example").set("host", "b.example").set("id", uint64_t{17});
    const auto bytes = wire::encode(message);
    REQUIRE(bytes);
    const auto back = wire::decode_message(*bytes);
    REQUIRE(back);
    CHECK(back->verb == "route");
    CHECK(back->fields == message.fields);
    CHECK(back->get("host") == "a.example");
    CHECK(back->all("host").size() == 2);
    CHECK(back->number("id") == 17u);
  }

  TEST_CASE("message: a number is wholly decimal or nothing") {
    for (const char* text : {"", "x", "1x", "-1", " 1", "18446744073709551616"}) {
      CAPTURE(text);
      Message message{.verb = "v", .fields = {}};
      message.set("n", text);
      CHECK_FALSE(message.number("n"));
    }
    CHECK_FALSE(Message{}.number("absent"));
  }

  TEST_CASE("message: every truncation and every surplus is refused") {
    Message message{.verb = "hold", .fields = {}};
    message.set("name", "channel/a");
    const std::string bytes = wire::encode(message).value();
    for (size_t n = 0; n < bytes.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(wire::decode_message(std::string_view(bytes).substr(0, n)));
    }
    CHECK_FALSE(wire::decode_message(bytes + "x"));
    CHECK(wire::decode_message(bytes));
  }

  TEST_CASE("message: a packet of nginx is not a message") {
    CHECK_FALSE(wire::decode_message(std::string("\0\0\0\0", 4)));
  }

  TEST_CASE("message: what 16 bits cannot count is not encoded") {
    Message message{.verb = "v", .fields = {}};
    message.set("big", std::string(70000, 'x'));
    CHECK_FALSE(wire::encode(message));
  }
}
