// HttpClient: an HTTP/1 client and one request of it: its body as its framing says, and
// an answer framed so that the connection can go on, if both sides wish.
#pragma once

#include <string>
#include <utility>

#include "router/client.h"
#include "router/http_answer.h"
#include "router/http_message.h"
#include "router/http_request.h"

namespace router {

class HttpClient final : public Client {
 public:
  struct Request {
    bool is_head = false;
    bool old = false;  ///< HTTP/1.0
    bool keep_alive = false;
    bool expects_continue = false;
    uint64_t limit_post = 0;  ///< 0: none
  };
  /// `message`: the request, whose head was read. `leftover`: gets what came behind it.
  /// `finishing`: the connection ends after this answer; looked at when it begins.
  HttpClient(Stream& stream,
             HttpMessage& message,
             const Request& request,
             std::string& leftover,
             const bool& finishing)
      : stream_(stream),
        message_(message),
        request_(request),
        leftover_(leftover),
        finishing_(finishing) {}

  Stream& stream() override { return stream_; }
  std::string_view invitation() const override;
  bool body_over() const override {
    return message_.state() == HttpMessage::State::complete;
  }
  std::expected<size_t, Refusal> take_body(std::span<char> bytes) override;
  std::string take_leftover() override { return std::exchange(leftover_, {}); }
  std::string head(const AnswerReader& answer) override;
  std::string_view frame(char* piece, size_t size, bool last) override;

  /// Whether the answer promised that the connection goes on.
  bool keeps_alive() const { return keeps_alive_; }
  /// Whether a cut answer would look like a whole one.
  bool ends_by_close() const { return framing_ == AnswerFraming::close; }

 private:
  AnswerFraming framing_for(const AnswerReader& answer) const;

  Stream& stream_;
  HttpMessage& message_;
  Request request_;
  std::string& leftover_;
  const bool& finishing_;
  uint64_t taken_ = 0;  // bytes of the body
  AnswerFraming framing_ = AnswerFraming::as_said;
  bool keeps_alive_ = false;
};

}  // namespace router
