#include "router/http_answer.h"

#include <algorithm>
#include <array>

namespace router {

namespace {

bool is_of_this_hop(std::string_view name) {
  constexpr std::array<std::string_view, 6> kHop{
      "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE", "Trailer"};
  return std::ranges::any_of(kHop, [&](auto other) { return same_name(name, other); });
}

}  // namespace

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
