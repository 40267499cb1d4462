#include "router/uwsgi_client.h"

#include <algorithm>

#include "router/http_answer.h"

namespace router {

std::expected<size_t, Refusal> UwsgiClient::take_body(std::span<char> bytes) {
  if (limit_post_ != 0 && outstanding_ > limit_post_)
    return std::unexpected(refusals::kTooLarge);
  const auto size = std::min<uint64_t>(bytes.size(), outstanding_);
  outstanding_ -= size;
  return static_cast<size_t>(size);
}

std::string UwsgiClient::head(const AnswerReader& answer) {
  const bool switched = answer.state() == AnswerReader::State::upgraded;
  return answer_head(
      answer.status(), answer.reason(), answer.fields(),
      {.framing = switched ? AnswerFraming::upgraded : AnswerFraming::close,
       .connection = AnswerConnection::unsaid});
}

std::string_view UwsgiClient::frame(char* piece, size_t size, bool /*last*/) {
  return {piece, size};
}

}  // namespace router
