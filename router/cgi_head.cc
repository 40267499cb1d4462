#include "router/cgi_head.h"

#include "router/http_field.h"

namespace router {

namespace {

std::string_view without_cr(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::optional<size_t> CgiHead::find_end(std::string_view text) {
  for (;;) {
    const size_t feed = text.find('\n', scanned_);
    if (feed == std::string_view::npos) {
      scanned_ = text.size();
      return std::nullopt;
    }
    const bool empty = without_cr(text.substr(line_, feed - line_)).empty();
    scanned_ = line_ = feed + 1;
    if (empty) return feed + 1;
  }
}

bool CgiHead::read(std::string_view head) {
  bool first = true;
  while (!head.empty()) {
    const size_t feed = head.find('\n');
    if (feed == std::string_view::npos) return false;
    const std::string_view line = without_cr(head.substr(0, feed));
    head.remove_prefix(feed + 1);
    if (line.empty()) break;
    if (first && line.starts_with("HTTP/")) {
      const size_t space = line.find(' ');
      if (space == std::string_view::npos || !read_status(line.substr(space)))
        return false;
    } else if (!read_line(line)) {
      return false;
    }
    first = false;
  }
  if (status_ != 0) return true;
  status_ = 200;
  reason_ = "OK";
  for (const HttpField& field : fields_)
    if (same_name(field.name, "Location")) {
      status_ = 302;
      reason_ = "Found";
    }
  return true;
}

bool CgiHead::read_line(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || fields_.size() == HttpMessage::kMaxFields)
    return false;
  const HttpField field{line.substr(0, colon), trimmed(line.substr(colon + 1))};
  if (same_name(field.name, "Status")) return read_status(field.value);
  fields_.push_back(field);
  return true;
}

bool CgiHead::read_status(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 3 || (text.size() > 3 && text[3] != ' ')) return false;
  int status = 0;
  for (const char c : text.substr(0, 3)) {
    if (c < '0' || c > '9') return false;
    status = status * 10 + (c - '0');
  }
  status_ = status;
  reason_ = trimmed(text.substr(3));
  return true;
}

}  // namespace router
