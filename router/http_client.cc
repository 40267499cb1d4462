#include "router/http_client.h"

#include <charconv>
#include <cstring>

#include "router/scratch.h"

namespace router {

std::string_view HttpClient::invitation() const {
  return request_.expects_continue && taken_ == 0 ? "HTTP/1.1 100 Continue\r\n\r\n" : "";
}

std::expected<size_t, Refusal> HttpClient::take_body(std::span<char> bytes) {
  const auto piece = message_.read_body(bytes);
  taken_ += piece.body;
  if (message_.state() == HttpMessage::State::broken)
    return std::unexpected(refusal_of_broken(message_));
  if (request_.limit_post != 0 && taken_ > request_.limit_post)
    return std::unexpected(refusals::kTooLarge);
  leftover_.append(bytes.data() + piece.consumed, bytes.size() - piece.consumed);
  return piece.body;
}

AnswerFraming HttpClient::framing_for(const AnswerReader& answer) const {
  if (answer.state() == AnswerReader::State::upgraded) return AnswerFraming::upgraded;
  const bool bodiless =
      request_.is_head || answer.status() == 204 || answer.status() == 304;
  if (bodiless || answer.content_length()) return AnswerFraming::as_said;
  return request_.old ? AnswerFraming::close : AnswerFraming::chunked;
}

std::string HttpClient::head(const AnswerReader& answer) {
  framing_ = framing_for(answer);
  keeps_alive_ =
      request_.keep_alive && body_over() && !finishing_ &&
      (framing_ == AnswerFraming::as_said || framing_ == AnswerFraming::chunked);
  AnswerShape shape{.framing = framing_, .connection = AnswerConnection::unsaid};
  if (!keeps_alive_ && framing_ != AnswerFraming::upgraded)
    shape.connection = AnswerConnection::close;
  else if (request_.old)
    shape.connection = AnswerConnection::keep_alive;
  return answer_head(answer.status(), answer.reason(), answer.fields(), shape);
}

std::string_view HttpClient::frame(char* piece, size_t size, bool last) {
  if (framing_ != AnswerFraming::chunked) return {piece, size};
  constexpr std::string_view kEndOfChunk = "\r\n";
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  char* begin = piece;
  char* end = piece + size;
  if (size > 0) {
    std::array<char, Scratch::kBefore - kEndOfChunk.size()> digits;
    const auto [past, error] =
        std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
    const auto count = static_cast<size_t>(past - digits.data());
    begin -= count + kEndOfChunk.size();
    std::memcpy(begin, digits.data(), count);
    std::memcpy(begin + count, kEndOfChunk.data(), kEndOfChunk.size());
    end = std::copy(kEndOfChunk.begin(), kEndOfChunk.end(), end);
  }
  if (last) end = std::copy(kLastChunk.begin(), kLastChunk.end(), end);
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace router
