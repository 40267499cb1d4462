#include "router/refusal.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace router {

namespace {

struct Row {
  int status;
  std::string_view phrase;
};

constexpr std::array kPhrases{
    Row{400, "Bad Request"},
    Row{404, "Not Found"},
    Row{405, "Method Not Allowed"},
    Row{408, "Request Timeout"},
    Row{411, "Length Required"},
    Row{413, "Content Too Large"},
    Row{417, "Expectation Failed"},
    Row{431, "Request Header Fields Too Large"},
    Row{501, "Not Implemented"},
    Row{502, "Bad Gateway"},
    Row{503, "Service Unavailable"},
    Row{504, "Gateway Timeout"},
    Row{505, "HTTP Version Not Supported"},
};

}  // namespace

std::string_view reason_phrase(int status) {
  const auto row = std::ranges::find(kPhrases, status, &Row::status);
  return row == kPhrases.end() ? std::string_view("Error") : row->phrase;
}

std::string answer_with(const Refusal& refusal, std::string_view page, PageBody body) {
  std::string answer = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n"
      "Cache-Control: no-store\r\nConnection: close\r\n",
      refusal.status, reason_phrase(refusal.status), page.size());
  if (refusal.retry_after != 0)
    answer += fmt::format("Retry-After: {}\r\n", refusal.retry_after);
  answer += "\r\n";
  if (body == PageBody::sent) answer += page;
  return answer;
}

std::string error_page(const Refusal& refusal, std::string_view host, PageBody body) {
  const std::string asked =
      host.empty() ? "" : fmt::format("<p>Host: <b>{}</b></p>\n", host);
  return answer_with(
      refusal,
      fmt::format(
          "<!doctype html>\n<title>{0} {1}</title>\n<h1>{0} {1}</h1>\n<p>{2}</p>\n{3}",
          refusal.status, reason_phrase(refusal.status), refusal.why, asked),
      body);
}

}  // namespace router
