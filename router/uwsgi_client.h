// UwsgiClient: a front that speaks the uwsgi protocol: one request per connection, whose
// body is as long as CONTENT_LENGTH says, and whose answer ends with the connection.
#pragma once

#include "router/client.h"

namespace router {

class UwsgiClient final : public Client {
 public:
  /// `length`: of the body. `limit_post`: the most that it may be, 0 for none.
  UwsgiClient(Stream& stream, uint64_t length, uint64_t limit_post)
      : stream_(stream), outstanding_(length), limit_post_(limit_post) {}

  Stream& stream() override { return stream_; }
  std::string_view invitation() const override { return {}; }
  bool body_over() const override { return outstanding_ == 0; }
  std::expected<size_t, Refusal> take_body(std::span<char> bytes) override;
  std::string head(const AnswerReader& answer) override;
  std::string_view frame(char* piece, size_t size, bool last) override;

 private:
  Stream& stream_;
  uint64_t outstanding_;
  uint64_t limit_post_;
};

}  // namespace router
