#include "base/values.h"

#include <string>

#include <doctest/doctest.h>

using namespace std::chrono_literals;

TEST_SUITE("config") {
  TEST_CASE("values: flags are on unless said otherwise") {
    for (const char* off : {"false", "False", "off", "OFF", "no", "0"})
      CHECK_FALSE(base::parse_flag(off));
    for (const char* on : {"true", "1", "yes", "", "on", "true ; comment", "2", "00"})
      CHECK(base::parse_flag(on));
    CHECK(base::is_flag_word("Yes"));
    CHECK_FALSE(base::is_flag_word("2"));
  }

  TEST_CASE("values: the number a text begins with") {
    struct Row {
      const char* text;
      int64_t value;
      bool exact;
    };
    const Row rows[] = {{"4", 4, true},
                        {"4 ; four", 4, false},
                        {"-1", -1, true},
                        {"", 0, false},
                        {"many", 0, false},
                        {"+7", 7, true},
                        {"4k", 4, false},
                        {"99999999999999999999", INT64_MAX, false},
                        {"-99999999999999999999", INT64_MIN, false}};
    for (const Row& row : rows) {
      CAPTURE(row.text);
      const auto number = base::parse_leading_number(row.text);
      CHECK(number.value == row.value);
      CHECK(number.exact == row.exact);
    }
  }

  TEST_CASE("values: sizes") {
    struct Row {
      const char* text;
      std::optional<uint64_t> value;
    };
    const Row rows[] = {{"0", 0},
                        {"268435456", 268435456},
                        {"256M", 268435456},
                        {"256m", 268435456},
                        {"256 MiB", 268435456},
                        {"1G", 1073741824},
                        {"1.5G", 1610612736},
                        {"64kb", 65536},
                        {"2T", 2199023255552},
                        {"lots", std::nullopt},
                        {"12 elephants", std::nullopt},
                        {"", std::nullopt},
                        {"-1", std::nullopt},
                        {"1..5G", std::nullopt},
                        {"M", std::nullopt},
                        {"99999999T", std::nullopt},
                        {"1e3", std::nullopt}};
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CHECK(base::parse_size(row.text) == row.value);
    }
  }

  TEST_CASE("values: durations") {
    CHECK(base::parse_duration("300") == 300s);
    CHECK(base::parse_duration("300s") == 300s);
    CHECK(base::parse_duration("5m") == 300s);
    CHECK(base::parse_duration("2h") == 7200s);
    CHECK(base::parse_duration("0") == 0s);
    for (const char* bad :
         {"", "s", "5 m", "-1", "1d", "1.5h", "99999999999999h", "20 ; x"})
      CHECK_FALSE(base::parse_duration(bad));
  }

  TEST_CASE("values: per cent") {
    CHECK(base::parse_percent("50%") == 50);
    CHECK(base::parse_percent("200 %") == 200);
    for (const char* bad : {"50", "%", "0%", "-5%", "fast", "1.5%", "", "50%%x"})
      CHECK_FALSE(base::parse_percent(bad));
  }

  TEST_CASE("values: octal modes have three or four digits") {
    CHECK(base::parse_mode("660") == 0660);
    CHECK(base::parse_mode("0660") == 0660);
    CHECK(base::parse_mode("1777") == 01777);
    for (const char* bad : {"66", "66000", "888", "rw-", "", "66 0"})
      CHECK_FALSE(base::parse_mode(bad));
  }
}
