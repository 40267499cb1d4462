#include "router/fastcgi.h"

#include <algorithm>
#include <cstring>

namespace router::fastcgi {

namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kRequestId = 1;
constexpr std::string_view kZeros("\0\0\0\0\0\0\0", 7);

size_t read_u16(const HeaderBytes& bytes, size_t at) {
  return static_cast<size_t>(static_cast<uint8_t>(bytes[at])) << 8 |
         static_cast<uint8_t>(bytes[at + 1]);
}

void append_length(size_t length, std::string& out) {
  if (length < 0x80) {
    out.push_back(static_cast<char>(length));
    return;
  }
  out.push_back(static_cast<char>(length >> 24 | 0x80));
  out.push_back(static_cast<char>(length >> 16));
  out.push_back(static_cast<char>(length >> 8));
  out.push_back(static_cast<char>(length));
}

void append_record(Type type, std::string_view content, std::string& out) {
  const size_t padding = padding_of(content.size());
  const HeaderBytes head = header(type, content.size(), padding);
  out.append(head.data(), head.size());
  out += content;
  out += kZeros.substr(0, padding);
}

}  // namespace

HeaderBytes header(Type type, size_t content, size_t padding) {
  return {static_cast<char>(kVersion),
          static_cast<char>(type),
          0,
          static_cast<char>(kRequestId),
          static_cast<char>(content >> 8),
          static_cast<char>(content),
          static_cast<char>(padding),
          0};
}

void append_stream(Type type, std::string_view content, std::string& out) {
  while (!content.empty()) {
    const std::string_view part = content.substr(0, kMaxContent);
    append_record(type, part, out);
    content.remove_prefix(part.size());
  }
}

void append_end(Type type, std::string& out) {
  append_record(type, {}, out);
}

void append_begin(std::string& out) {
  constexpr char kResponder = 1;
  constexpr char kKeepConnection = 1;
  const std::array<char, 8> content{0, kResponder, kKeepConnection, 0, 0, 0, 0, 0};
  append_record(Type::begin_request, {content.data(), content.size()}, out);
}

void append_pair(std::string_view name, std::string_view value, std::string& params) {
  append_length(name.size(), params);
  append_length(value.size(), params);
  params += name;
  params += value;
}

size_t AnswerRecords::feed(std::span<char> bytes) {
  size_t gathered = 0;
  size_t at = 0;
  while (at < bytes.size() && state_ != State::broken) {
    if (complete()) {
      excess_ = true;
      break;
    }
    if (position_ < kHeader) {
      header_[position_++] = bytes[at++];
      if (position_ == kHeader) begin_record();
    } else if (content_ > 0) {
      at += take_content(bytes, at, gathered);
    } else {
      const size_t part = std::min(bytes.size() - at, padding_);
      at += part;
      padding_ -= part;
      if (padding_ == 0) position_ = 0;
    }
  }
  return gathered;
}

size_t AnswerRecords::take_content(std::span<char> bytes, size_t at, size_t& gathered) {
  const size_t part = std::min(bytes.size() - at, content_);
  if (ours_ && type_ == Type::out) {
    if (gathered != at) std::memmove(&bytes[gathered], &bytes[at], part);
    gathered += part;
  } else if (ours_) {
    take_other({&bytes[at], part});
  }
  content_ -= part;
  if (content_ == 0) end_content();
  return part;
}

void AnswerRecords::begin_record() {
  type_ = static_cast<Type>(header_[1]);
  ours_ = read_u16(header_, 2) == kRequestId;
  content_ = read_u16(header_, 4);
  padding_ = static_cast<uint8_t>(header_[6]);
  end_size_ = 0;
  const bool too_short = ours_ && type_ == Type::end_request && content_ < end_.size();
  if (header_[0] != static_cast<char>(kVersion) || too_short)
    state_ = State::broken;
  else if (content_ == 0)
    end_content();
}

void AnswerRecords::end_content() {
  if (ours_ && type_ == Type::end_request) state_ = State::ended;
  if (padding_ == 0) position_ = 0;
}

void AnswerRecords::take_other(std::string_view content) {
  if (type_ == Type::error) {
    error_ += content.substr(0, kMaxError - error_.size());
  } else if (type_ == Type::end_request) {
    const std::string_view part = content.substr(0, end_.size() - end_size_);
    std::ranges::copy(part, end_.begin() + static_cast<ptrdiff_t>(end_size_));
    end_size_ += part.size();
  }
}

uint32_t AnswerRecords::app_status() const {
  uint32_t status = 0;
  for (size_t i = 0; i < 4; ++i)
    status = status << 8 | static_cast<uint8_t>(end_[i]);
  return status;
}

}  // namespace router::fastcgi
