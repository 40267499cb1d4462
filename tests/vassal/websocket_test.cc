#include "vassal/websocket.h"

#include <array>

#include <doctest/doctest.h>

TEST_SUITE_BEGIN("vassal");

namespace {

using vassal::WebSocket;

constexpr uint8_t kText = 1;
constexpr uint8_t kBinary = 2;
constexpr uint8_t kClose = 8;
constexpr uint8_t kPing = 9;

/// One masked frame of a client.
std::string frame(uint8_t opcode, std::string_view data, bool last = true) {
  constexpr std::array<char, 4> kMask{'m', 'a', 's', 'k'};
  std::string out;
  out += static_cast<char>((last ? 0x80 : 0) | opcode);
  if (data.size() < 126) {
    out += static_cast<char>(0x80 | data.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(data.size() >> 8);
    out += static_cast<char>(data.size() & 255);
  }
  out.append(kMask.data(), kMask.size());
  for (size_t i = 0; i < data.size(); ++i)
    out += static_cast<char>(data[i] ^ kMask[i % 4]);
  return out;
}

std::string close_frame_of(std::string_view code_and_reason) {
  std::string out{static_cast<char>(0x80 | kClose),
                  static_cast<char>(code_and_reason.size())};
  return out.append(code_and_reason);
}

}  // namespace

TEST_CASE("websocket: messages become whole, in pieces and byte by byte") {
  const std::string bytes = frame(kText, "one") + frame(kText, "t", false) +
                            frame(kPing, "?") + frame(0, "wo") +
                            frame(kBinary, std::string(300, '\xff'));
  for (const size_t step : {size_t{1}, size_t{7}, bytes.size()}) {
    CAPTURE(step);
    WebSocket socket(1000);
    std::string out;
    std::vector<WebSocket::Message> heard;
    for (size_t i = 0; i < bytes.size(); i += step) {
      socket.feed(std::string_view(bytes).substr(i, step));
      out += socket.take_output();
      for (auto& message : socket.take_messages())
        heard.push_back(std::move(message));
    }
    REQUIRE(heard.size() == 3);
    CHECK((heard[0].text && heard[0].data == "one"));
    CHECK((heard[1].text && heard[1].data == "two"));
    CHECK((!heard[2].text && heard[2].data == std::string(300, '\xff')));
    CHECK(out == "\x8a\x01?");
    CHECK(!socket.ending());
  }
}

TEST_CASE("websocket: what is sent is framed") {
  WebSocket socket(1000);
  CHECK(socket.send(true, "hi"));
  CHECK(socket.send(false, ""));
  CHECK(socket.take_output() == std::string("\x81\x02hi\x82\x00", 6));
  CHECK(socket.take_output().empty());
}

TEST_CASE("websocket: the client closes") {
  WebSocket socket(1000);
  socket.feed(frame(kClose, "\x0f\xa1why"));
  REQUIRE(socket.ending());
  CHECK(socket.ending()->code == 4001);
  CHECK(socket.ending()->reason == "why");
  CHECK(socket.take_output() == close_frame_of("\x0f\xa1why"));
  CHECK(!socket.send(true, "too late"));
  WebSocket silent(1000);
  silent.feed(frame(kClose, ""));
  REQUIRE(silent.ending());
  CHECK(silent.ending()->code == WebSocket::kNoCode);
}

TEST_CASE("websocket: we close, the client answers") {
  WebSocket socket(1000);
  CHECK(!socket.close(1005, ""));
  CHECK(!socket.close(999, ""));
  CHECK(socket.close(1012, "later"));
  CHECK(socket.take_output() == close_frame_of("\x03\xf4later"));
  CHECK(!socket.ending());
  CHECK(!socket.close(1000, ""));
  socket.feed(frame(kClose, "\x03\xf4"));
  REQUIRE(socket.ending());
  CHECK(socket.ending()->code == 1012);
}

TEST_CASE("websocket: a message in fragments of one byte, up to the most it may have") {
  WebSocket socket(5000);
  std::string bytes = frame(kText, "x", false);
  for (int i = 0; i < 4999; ++i)
    bytes += frame(0, "x", false);
  socket.feed(bytes + frame(kPing, "?") + frame(0, "") + frame(kText, "next"));
  const auto heard = socket.take_messages();
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].data == std::string(5000, 'x'));
  CHECK(heard[1].data == "next");
  CHECK(socket.take_output() == "\x8a\x01?");
  socket.feed(bytes + frame(0, "x"));
  REQUIRE(socket.ending());
  CHECK(socket.ending()->code == 1009);
  CHECK(socket.take_messages().empty());
}

TEST_CASE("websocket: a reason that does not fit is cut between characters") {
  WebSocket socket(1000);
  std::string reason(122, 'x');
  CHECK(socket.close(1000, reason + "\xc3\xa4"));
  CHECK(socket.take_output() == close_frame_of("\x03\xe8" + reason));
}

TEST_CASE("websocket: half a close code is the end, too") {
  WebSocket socket(1000);
  socket.feed(frame(kClose, "\x03"));
  REQUIRE(socket.ending());
  CHECK(socket.ending()->code == WebSocket::kNoCode);
}

TEST_CASE("websocket: who breaks the rules is told which") {
  struct Row {
    std::string what;
    std::string bytes;
    uint16_t code;
  };
  const std::string unmasked("\x81\x01x", 3);
  const Row rows[] = {
      {"too large", frame(kBinary, std::string(1001, 'x')), 1009},
      {"too large in pieces",
       frame(kBinary, std::string(600, 'x'), false) + frame(0, std::string(600, 'x')),
       1009},
      {"too large, and no UTF-8",
       frame(kText, std::string(600, 'x'), false) + frame(0, std::string(600, '\xff')),
       1009},
      {"no UTF-8", frame(kText, "\xff"), 1007},
      {"half a character at the end", frame(kText, "\xc3"), 1007},
      {"not masked", unmasked, 1002},
      {"an unknown kind", frame(3, "x"), 1002},
      {"nothing to continue", frame(0, "x"), 1002},
      {"a message in a message", frame(kText, "a", false) + frame(kText, "b"), 1002},
      {"a long ping", frame(kPing, std::string(126, 'x')), 1002},
      {"a ping in pieces", frame(kPing, "x", false), 1002},
      {"a reserved bit", "\xc1" + frame(kText, "x").substr(1), 1002},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    WebSocket socket(1000);
    socket.feed(row.bytes);
    REQUIRE(socket.ending());
    CHECK(socket.ending()->code == row.code);
    CHECK(socket.take_messages().empty());
    const std::string out = socket.take_output();
    REQUIRE(out.size() >= 4);
    CHECK(static_cast<uint8_t>(out[0]) == 0x88);
    CHECK(static_cast<uint8_t>(out[2]) * 256 + static_cast<uint8_t>(out[3]) == row.code);
    socket.feed(frame(kText, "more"));
    CHECK(socket.take_messages().empty());
  }
}

TEST_SUITE_END();
