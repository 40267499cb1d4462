#include "router/fastcgi.h"

#include <string>

#include <doctest/doctest.h>

using namespace router::fastcgi;

namespace {

std::string record(int type, const std::string& content, size_t padding, int id = 1) {
  std::string out{'\1',
                  static_cast<char>(type),
                  static_cast<char>(id >> 8),
                  static_cast<char>(id),
                  static_cast<char>(content.size() >> 8),
                  static_cast<char>(content.size()),
                  static_cast<char>(padding),
                  '\0'};
  return out + content + std::string(padding, 'p');
}

std::string gathered(AnswerRecords& records, const std::string& bytes, size_t step) {
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::string piece = bytes.substr(at, step);
    out += piece.substr(0, records.feed(piece));
  }
  return out;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("fastcgi: records of every kind, split anywhere") {
    const std::string end{'\0', '\0', '\1', '\2', '\0', '\0', '\0', '\0', 'm', 'o'};
    const std::string bytes =
        record(6, "hello", 3) + record(7, "oops", 0) + record(11, "unknown", 1) +
        record(6, "other", 0, 2) + record(3, "other", 0, 300) + record(10, "", 200, 0) +
        record(6, " world", 255) + record(6, "", 0) + record(3, end, 5);
    for (size_t step = 1; step <= bytes.size(); ++step) {
      CAPTURE(step);
      AnswerRecords records;
      CHECK(gathered(records, bytes, step) == "hello world");
      CHECK(records.state() == AnswerRecords::State::ended);
      CHECK(records.complete());
      CHECK(records.protocol_status() == 0);
      CHECK(records.app_status() == 258);
      CHECK(records.error_text() == "oops");
      CHECK_FALSE(records.excess());
      std::string more = "x";
      CHECK(records.feed(more) == 0);
      CHECK(records.excess());
    }
  }

  TEST_CASE("fastcgi: ended is not complete while padding is missing") {
    AnswerRecords records;
    std::string bytes = record(3, std::string(8, '\0'), 2);
    bytes.pop_back();
    records.feed(bytes);
    CHECK(records.state() == AnswerRecords::State::ended);
    CHECK_FALSE(records.complete());
    std::string last = "p";
    records.feed(last);
    CHECK(records.complete());
    CHECK_FALSE(records.excess());
  }

  TEST_CASE("fastcgi: another version is broken at its first record") {
    AnswerRecords records;
    std::string bytes = record(6, "good", 0) + "\2" + record(6, "bad", 0);
    const size_t size = records.feed(bytes);
    CHECK(bytes.substr(0, size) == "good");
    CHECK(records.state() == AnswerRecords::State::broken);
  }

  TEST_CASE("fastcgi: a stream is cut into padded records, and ends by an empty one") {
    std::string out;
    append_stream(Type::in, "abc", out);
    append_end(Type::in, out);
    CHECK(out == std::string("\1\5\0\1\0\3\5\0abc\0\0\0\0\0\1\5\0\1\0\0\0\0", 24));
    out.clear();
    append_stream(Type::params, std::string(kMaxContent + 1, 'x'), out);
    CHECK(out.size() == kHeader + kMaxContent + kHeader + 8);
    out.clear();
    append_stream(Type::params, "", out);
    CHECK(out.empty());
  }

  TEST_CASE("fastcgi: names and values have lengths of one or four bytes") {
    std::string out;
    append_pair("A", std::string(127, 'v'), out);
    CHECK(out.substr(0, 3) ==
          "\x01\x7f"
          "A");
    out.clear();
    append_pair("AB", std::string(300, 'v'), out);
    CHECK(out.substr(0, 7) == std::string("\x02\x80\x00\x01\x2c", 5) + "AB");
    CHECK(out.size() == 1 + 4 + 2 + 300);
  }
}
