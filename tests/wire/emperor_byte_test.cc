#include "base/wire/emperor_byte.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

namespace eb = wire::emperor_byte;

TEST_SUITE("wire") {
  TEST_CASE("emperor byte: every byte to a vassal") {
    const std::map<int, std::string> known = {
        {0, "stop"}, {1, "reload"}, {2, "stop gracefully"}};
    for (int byte = 0; byte < 256; ++byte) {
      CAPTURE(byte);
      const auto order = eb::order_of(static_cast<uint8_t>(byte));
      const auto found = known.find(byte);
      REQUIRE(order.has_value() == (found != known.end()));
      if (order) CHECK(eb::name_of(*order) == found->second);
      if (order) CHECK(static_cast<int>(*order) == byte);
    }
  }

  TEST_CASE("emperor byte: every byte to an emperor") {
    const std::map<int, std::string> known = {
        {1, "spawned"},  {2, "send config"}, {5, "accepting"},     {17, "loyal"},
        {22, "leaving"}, {26, "heartbeat"},  {30, "reinforcement"}};
    for (int byte = 0; byte < 256; ++byte) {
      CAPTURE(byte);
      const auto word = eb::word_of(static_cast<uint8_t>(byte));
      const auto found = known.find(byte);
      REQUIRE(word.has_value() == (found != known.end()));
      if (word) CHECK(eb::name_of(*word) == found->second);
      if (word) CHECK(static_cast<int>(*word) == byte);
    }
  }
}
