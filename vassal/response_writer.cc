#include "vassal/response_writer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace vassal {

namespace {

/// Up to this many bytes are copied behind the head: cheaper than to send two pieces.
constexpr size_t kCopied = 2048;

iovec part(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};
}

}  // namespace

void ResponseWriter::begin(std::string_view protocol,
                           Framing framing,
                           bool is_head_request) {
  head_.reset(protocol, framing, is_head_request);
  form_ = BodyForm::plain;
  bytes_ = body_ = 0;
  error_ = 0;
  head_sent_ = complete_ = false;
}

int ResponseWriter::done(int result, uint64_t sent) {
  if (result == 0)
    bytes_ += sent;
  else
    error_ = result;
  return result;
}

/// As much of `data` as the promised length still holds.
std::string_view ResponseWriter::within_promise(std::string_view data) {
  const uint64_t length = head_.length().value_or(UINT64_MAX);
  const uint64_t room = length - std::min(length, body_);
  return data.substr(0, static_cast<size_t>(std::min<uint64_t>(room, data.size())));
}

int ResponseWriter::send_plain(std::string_view data) {
  if (head_sent_) return data.empty() ? 0 : done(connection_.send(data), data.size());
  head_sent_ = true;
  const uint64_t size = head_.bytes().size() + data.size();
  if (data.size() <= kCopied) return done(connection_.send(head_.bytes_with(data)), size);
  std::array<iovec, 2> parts{part(head_.bytes()), part(data)};
  return done(connection_.send(parts), size);
}

int ResponseWriter::send_chunk(std::string_view data) {
  std::array<char, 18> line;
  char* end = std::to_chars(line.data(), line.data() + 16, data.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  const std::string_view size_line(line.data(), static_cast<size_t>(end - line.data()));
  std::array<iovec, 4> parts{part(head_.bytes()), part(size_line), part(data),
                             part("\r\n")};
  const size_t from = head_sent_ ? 1 : 0;
  const uint64_t size =
      size_line.size() + data.size() + 2 + (head_sent_ ? 0 : head_.bytes().size());
  head_sent_ = true;
  return done(connection_.send(std::span(parts).subspan(from)), size);
}

int ResponseWriter::write(std::string_view data, bool whole) {
  if (error_ != 0) return error_;
  if (!head_sent_)
    form_ = head_.finish(whole ? std::optional<uint64_t>(data.size()) : std::nullopt);
  if (form_ == BodyForm::none) return head_sent_ ? 0 : send_plain({});
  const std::string_view sendable = within_promise(data);
  body_ += sendable.size();
  if (form_ == BodyForm::chunked && !sendable.empty()) return send_chunk(sendable);
  return send_plain(sendable);
}

int ResponseWriter::write_file(int file, off_t offset) {
  if (error_ != 0) return error_;
  struct stat info{};
  if (::fstat(file, &info) != 0) return -errno;
  const uint64_t size =
      info.st_size > offset ? static_cast<uint64_t>(info.st_size - offset) : 0;
  if (!head_sent_) {
    form_ = head_.finish(size);
    if (const int failed = send_plain({}); failed != 0) return failed;
  }
  if (form_ == BodyForm::none) return 0;
  const uint64_t count = head_.length() ? std::min(size, *head_.length() - body_) : size;
  if (form_ == BodyForm::chunked) return -EINVAL;
  const int64_t sent = connection_.send_file(file, offset, count);
  if (sent < 0) return done(static_cast<int>(sent), 0);
  body_ += static_cast<uint64_t>(sent);
  return done(0, static_cast<uint64_t>(sent));
}

int ResponseWriter::finish() {
  if (!head_sent_ && error_ == 0) write({}, true);
  if (error_ != 0) return error_;
  if (form_ == BodyForm::chunked) {
    std::array<iovec, 1> last{part("0\r\n\r\n")};
    if (const int failed = done(connection_.send(last), 5); failed != 0) return failed;
  }
  complete_ = form_ == BodyForm::none || !head_.length() || body_ == *head_.length();
  return 0;
}

int ResponseWriter::write_switched(std::string_view data) {
  return error_ != 0 ? error_ : done(connection_.send(data), data.size());
}

int ResponseWriter::answer(std::string_view status, std::string_view page) {
  if (const char* wrong = head_.set_status(status); wrong != nullptr) return -EINVAL;
  head_.add("Content-Type", "text/plain; charset=utf-8");
  head_.add("Content-Length", std::to_string(page.size()));
  if (const int failed = write(page, true); failed != 0) return failed;
  return finish();
}

void ResponseWriter::fail() {
  if (head_sent_ || error_ != 0) {
    complete_ = false;
    return;
  }
  answer("500 Internal Server Error",
         "Internal Server Error\n\nThe application failed; its log says why.\n");
}

}  // namespace vassal
