#include "vassal/websocket.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace vassal {

namespace {

/// A control frame holds 125 bytes (RFC 6455, 5.5), two of them the code.
constexpr size_t kLongestReason = 123;

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

/// RFC 6455, 7.4: 1004 to 1006 and 1015 never stand in a frame.
bool may_be_sent(uint16_t code) {
  const bool known = code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
  return known || (code >= 3000 && code <= 4999);
}

/// The longest beginning of UTF-8 `text` that fits, whole characters only.
std::string_view fitting(std::string_view text) {
  if (text.size() <= kLongestReason) return text;
  size_t size = kLongestReason;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80)
    --size;
  return text.substr(0, size);
}

}  // namespace

struct WebSocket::Context {
  struct Free {
    void operator()(wslay_event_context_ptr context) const {
      wslay_event_context_free(context);
    }
  };
  std::unique_ptr<wslay_event_context, Free> owned;

  static WebSocket& self(void* user) { return *static_cast<WebSocket*>(user); }

  static ssize_t receive(
      wslay_event_context_ptr context, uint8_t* into, size_t size, int, void* user) {
    std::string_view& input = self(user).input_;
    if (input.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    size = std::min(size, input.size());
    std::memcpy(into, input.data(), size);
    input.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }

  static ssize_t send(
      wslay_event_context_ptr, const uint8_t* data, size_t size, int, void* user) {
    self(user).output_.append(reinterpret_cast<const char*>(data), size);
    return static_cast<ssize_t>(size);
  }

  /// A message is joined here: wslay would keep a hundred bytes beside each fragment,
  /// which may have one.
  static void on_frame(wslay_event_context_ptr context,
                       const wslay_event_on_frame_recv_start_arg* frame,
                       void* user) {
    WebSocket& socket = self(user);
    socket.control_ = wslay_is_ctrl_frame(frame->opcode);
    if (socket.control_ || socket.too_big_) return;
    if (frame->payload_length <= socket.max_message_ - socket.joined_.size()) return;
    socket.too_big_ = true;
    wslay_event_shutdown_read(context);
    wslay_event_queue_close(context, WSLAY_CODE_MESSAGE_TOO_BIG, nullptr, 0);
  }

  static void on_piece(wslay_event_context_ptr,
                       const wslay_event_on_frame_recv_chunk_arg* piece,
                       void* user) {
    WebSocket& socket = self(user);
    if (!socket.control_ && !socket.too_big_)
      socket.joined_.append(reinterpret_cast<const char*>(piece->data),
                            piece->data_length);
  }

  static void on_message(wslay_event_context_ptr,
                         const wslay_event_on_msg_recv_arg* message,
                         void* user) {
    WebSocket& socket = self(user);
    if (message->opcode == WSLAY_CONNECTION_CLOSE) {
      const std::string data(reinterpret_cast<const char*>(message->msg),
                             message->msg_length);
      const uint16_t code = message->status_code;
      // The reason stands behind the two bytes of the code.
      socket.ending_ =
          Ending{code == 0 ? kNoCode : code, data.size() > 2 ? data.substr(2) : ""};
    } else if (!wslay_is_ctrl_frame(message->opcode) && !socket.too_big_) {
      socket.messages_.push_back(
          {message->opcode == WSLAY_TEXT_FRAME, std::exchange(socket.joined_, {})});
    }
  }
};

WebSocket::WebSocket(uint64_t max_message)
    : context_(new Context), max_message_(max_message) {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = Context::receive;
  callbacks.send_callback = Context::send;
  callbacks.on_frame_recv_start_callback = Context::on_frame;
  callbacks.on_frame_recv_chunk_callback = Context::on_piece;
  callbacks.on_msg_recv_callback = Context::on_message;
  wslay_event_context_ptr wslay = nullptr;
  if (wslay_event_context_server_init(&wslay, &callbacks, this) != 0)
    throw std::bad_alloc();
  context_->owned.reset(wslay);
  wslay_event_config_set_no_buffering(wslay, 1);
  wslay_event_config_set_max_recv_msg_length(wslay, max_message);
}

WebSocket::~WebSocket() = default;

wslay_event_context* WebSocket::wslay() const {
  return context_->owned.get();
}

void WebSocket::feed(std::string_view bytes) {
  if (ending_) return;
  input_ = bytes;
  if (wslay_event_recv(wslay()) != 0 && !ending_ && !too_big_) break_off();
  input_ = {};
  note_ending();
}

/// What is no frame at all wslay answers with a close frame without a code, behind all
/// that it had to say: it gets the code that such a thing has.
void WebSocket::break_off() {
  constexpr std::string_view kWithout("\x88\x00", 2);
  constexpr std::string_view kWith("\x88\x02\x03\xea", 4);
  wslay_event_send(wslay());
  if (!closing_ && output_.ends_with(kWithout))
    output_.replace(output_.size() - kWithout.size(), kWithout.size(), kWith);
  ending_ = Ending{WSLAY_CODE_PROTOCOL_ERROR, ""};
}

/// Where the client broke the rules, wslay has queued a close frame and reads no more.
void WebSocket::note_ending() {
  if (ending_ || wslay_event_get_read_enabled(wslay()) != 0) return;
  wslay_event_send(wslay());
  ending_ = Ending{wslay_event_get_status_code_sent(wslay()), ""};
}

std::vector<WebSocket::Message> WebSocket::take_messages() {
  return std::exchange(messages_, {});
}

bool WebSocket::send(bool text, std::string_view data) {
  const auto opcode = static_cast<uint8_t>(text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME);
  const wslay_event_msg message{opcode, bytes_of(data), data.size()};
  return wslay_event_queue_msg(wslay(), &message) == 0;
}

bool WebSocket::close(uint16_t code, std::string_view reason) {
  if (closing_ || !may_be_sent(code)) return false;
  reason = fitting(reason);
  closing_ = wslay_event_queue_close(wslay(), code, bytes_of(reason), reason.size()) == 0;
  return closing_;
}

std::string WebSocket::take_output() {
  wslay_event_send(wslay());
  return std::exchange(output_, {});
}

}  // namespace vassal
