// WebSocket: the frames of one WebSocket, server side (RFC 6455), without its connection.
//
// Pure: bytes of the client in, messages out; messages in, bytes for the client out. The
// framing itself is libwslay's: fragments joined, pings answered, UTF-8 and lengths
// checked; what breaks the rules is answered with the close code that they name (1002,
// 1007, 1009).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct wslay_event_context;

namespace vassal {

class WebSocket {
 public:
  struct Message {
    bool text = false;  ///< valid UTF-8 then
    std::string data;
  };
  /// Why nothing more comes.
  struct Ending {
    uint16_t code = 0;  ///< of the client's close frame, 1005 if it said none; or that of
                        ///< our own, if the client broke the rules
    std::string reason;
  };
  static constexpr uint16_t kNoCode = 1005;

  /// `max_message`: bytes that one message of the client may have.
  explicit WebSocket(uint64_t max_message);
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;
  ~WebSocket();

  /// Takes bytes of the client. Behind the ending they are dropped.
  void feed(std::string_view bytes);
  /// The messages that became whole since the last call.
  std::vector<Message> take_messages();
  const std::optional<Ending>& ending() const { return ending_; }

  /// False once a close frame was sent or is to be sent: nothing follows it.
  bool send(bool text, std::string_view data);
  /// `reason` is cut to what fits into the frame. False as with send(), or if the code
  /// must not be sent.
  bool close(uint16_t code, std::string_view reason);
  /// What is to be sent now: frames of send() and close(), answers to pings.
  std::string take_output();

 private:
  struct Context;

  wslay_event_context* wslay() const;
  void break_off();
  void note_ending();

  std::unique_ptr<Context> context_;
  std::string_view input_;
  std::string output_;
  std::string joined_;    // what there is of the message that comes in
  bool control_ = false;  // the frame that comes in is none of a message
  bool too_big_ = false;
  uint64_t max_message_;
  std::vector<Message> messages_;
  std::optional<Ending> ending_;
  bool closing_ = false;  // we said so first
};

}  // namespace vassal
