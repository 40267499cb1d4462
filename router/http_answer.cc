#include "router/http_answer.h"

#include "router/http_field.h"

namespace router {

std::string answer_head(const HttpMessage& answer, const AnswerShape& shape) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status());
  head += ' ';
  head += answer.reason();
  head += "\r\n";
  for (const HttpField& field : answer.fields()) {
    if (is_of_this_hop(field.name)) continue;
    if (shape.to_http_1_0 && same_name(field.name, "Transfer-Encoding")) continue;
    head += field.name;
    head += ": ";
    head += field.value;
    head += "\r\n";
  }
  if (!shape.keep_alive)
    head += "Connection: close\r\n";
  else if (shape.to_http_1_0)
    head += "Connection: keep-alive\r\n";
  head += "\r\n";
  return head;
}

}  // namespace router
