#include "vassal/response.h"

#include <algorithm>
#include <utility>

#include "base/values.h"

namespace vassal {

namespace {

/// Control characters but tab: what could end a header line or be read as its end.
bool forges_lines(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && u != '\t') || u == 0x7f;
  });
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u > 0x20 && u < 0x7f && c != ':';
  });
}

bool same_name(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() &&
         std::equal(name.begin(), name.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b;
         });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

/// RFC 9110, section 15; the most frequent first.
constexpr std::pair<int, std::string_view> kReasonPhrases[] = {
    {200, "OK"},
    {302, "Found"},
    {304, "Not Modified"},
    {404, "Not Found"},
    {101, "Switching Protocols"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {303, "See Other"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

}  // namespace

std::string_view reason_phrase(int status) {
  for (const auto& [code, phrase] : kReasonPhrases)
    if (code == status) return phrase;
  return "Unknown";
}

void ResponseHead::reset(std::string_view protocol,
                         Framing framing,
                         bool is_head_request) {
  bytes_.clear();
  size_ = 0;
  protocol_ =
      framing == Framing::http11 || forges_lines(protocol) ? "HTTP/1.1" : protocol;
  length_.reset();
  count_ = 0;
  status_ = 0;
  framing_ = framing;
  is_head_request_ = is_head_request;
}

const char* ResponseHead::set_status(std::string_view status) {
  const int code =
      static_cast<int>(base::parse_unsigned(status.substr(0, 3)).value_or(0));
  if (status.size() < 3 || code < 100 || (status.size() > 3 && status[3] != ' '))
    return "the status must be three digits and a phrase";
  if (forges_lines(status)) return "the status holds a control character";
  bytes_.assign(protocol_).append(" ").append(status);
  if (status.find_first_not_of(' ', 3) == std::string_view::npos) {
    bytes_.resize(protocol_.size() + 4);
    bytes_.append(" ").append(reason_phrase(code));
  }
  bytes_.append("\r\n");
  length_.reset();
  count_ = 0;
  status_ = code;
  return nullptr;
}

/// Hop-by-hop headers are the router's business on the pair (RFC 9110, 7.6.1); but a 101
/// says by them what the connection becomes.
bool ResponseHead::dropped(std::string_view name) const {
  if (framing_ != Framing::http11) return false;
  switch (name.size()) {
    case 2:
      return same_name(name, "te");
    case 7:
      return same_name(name, "trailer") || (status_ != 101 && same_name(name, "upgrade"));
    case 10:
      return (status_ != 101 && same_name(name, "connection")) ||
             same_name(name, "keep-alive");
    case 16:
      return same_name(name, "proxy-connection");
    case 17:
      return same_name(name, "transfer-encoding");
    default:
      return false;
  }
}

const char* ResponseHead::add(std::string_view name, std::string_view value) {
  if (!is_token(name)) return "a header name holds a character that is not allowed";
  if (forges_lines(value)) return "a header value holds a control character";
  if (dropped(name)) return nullptr;
  if (name.size() == 14 && same_name(name, "content-length")) {
    const auto length = base::parse_unsigned(trimmed(value));
    if (!length) return "Content-Length is not a number";
    if (length_ && length_ != length) return "Content-Length is given twice";
    if (length_) return nullptr;
    length_ = length;
    if (status_ == 204 && framing_ == Framing::http11) return nullptr;
  }
  bytes_.append(name).append(": ").append(value).append("\r\n");
  ++count_;
  return nullptr;
}

bool ResponseHead::bodiless() const {
  return is_head_request_ || status_ == 204 || status_ == 304 || status_ < 200;
}

BodyForm ResponseHead::finish(std::optional<uint64_t> known_length) {
  BodyForm form = bodiless() ? BodyForm::none : BodyForm::plain;
  if (framing_ == Framing::http11 && !length_ && form != BodyForm::none) {
    if (known_length) {
      length_ = known_length;
      bytes_.append("Content-Length: ")
          .append(std::to_string(*known_length))
          .append("\r\n");
    } else {
      form = BodyForm::chunked;
      bytes_.append("Transfer-Encoding: chunked\r\n");
    }
  }
  bytes_.append("\r\n");
  size_ = bytes_.size();
  return form;
}

}  // namespace vassal
