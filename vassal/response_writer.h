// ResponseWriter: sends one answer, the head together with the first bytes of the body.
//
// Keeps the promise of the head: never more than Content-Length, never a body where there
// must be none, and an answer that ends early is cut off so that nobody takes it for a
// whole one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "vassal/connection.h"
#include "vassal/response.h"

namespace vassal {

class ResponseWriter {
 public:
  explicit ResponseWriter(Connection& connection) : connection_(connection) {}

  void begin(std::string_view protocol, Framing framing, bool is_head_request);
  ResponseHead& head() { return head_; }
  bool head_sent() const { return head_sent_; }

  /// 0 or a negative errno; after the first failure every call returns it again.
  int write(std::string_view data, bool whole);
  int write_file(int file, off_t offset);
  int finish();
  /// Behind a 101: bytes of the protocol that the connection switched to.
  int write_switched(std::string_view data);
  /// A page of our own instead of an answer that has not begun.
  int answer(std::string_view status, std::string_view page);
  /// A 500 page, or a cut connection where the answer has begun.
  void fail();

  /// Bytes sent, head included, and those of the head.
  uint64_t bytes() const { return bytes_; }
  /// Of them, those of the head; 0 if it could not be sent.
  uint64_t head_bytes() const {
    return head_sent_ ? std::min<uint64_t>(bytes_, head_.bytes().size()) : 0;
  }
  uint64_t body_bytes() const { return bytes_ - head_bytes(); }
  int status() const { return head_.status(); }
  uint32_t header_count() const { return head_.header_count(); }
  /// The first failure, 0 without one.
  int error() const { return error_; }
  /// False if the client did not get all it was promised.
  bool complete() const { return complete_; }

 private:
  std::string_view within_promise(std::string_view data);
  int send_plain(std::string_view data);
  int send_chunk(std::string_view data);
  int done(int result, uint64_t sent);

  Connection& connection_;
  ResponseHead head_;
  BodyForm form_ = BodyForm::plain;
  uint64_t bytes_ = 0;
  uint64_t body_ = 0;
  int error_ = 0;
  bool head_sent_ = false;
  bool complete_ = false;
};

}  // namespace vassal
