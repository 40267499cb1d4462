#include "router/http_answer.h"

namespace router {

namespace {

constexpr std::string_view kLength = "Content-Length";

}  // namespace

std::string answer_head(int status,
                        std::string_view reason,
                        const std::vector<HttpField>& fields,
                        const AnswerShape& shape) {
  std::string head = "HTTP/1.1 " + std::to_string(status);
  head += ' ';
  head += reason;
  head += "\r\n";
  for (const HttpField& field : fields) {
    if (shape.framing == AnswerFraming::chunked && same_name(field.name, kLength))
      continue;
    head += field.name;
    head += ": ";
    head += field.value;
    head += "\r\n";
  }
  if (shape.framing == AnswerFraming::chunked) head += "Transfer-Encoding: chunked\r\n";
  if (shape.connection == AnswerConnection::close)
    head += "Connection: close\r\n";
  else if (shape.connection == AnswerConnection::keep_alive)
    head += "Connection: keep-alive\r\n";
  head += "\r\n";
  return head;
}

}  // namespace router
