#include "router/request_writer.h"

#include <algorithm>
#include <charconv>

#include "base/wire/uwsgi_packet.h"
#include "router/cgi_params.h"
#include "router/fastcgi.h"
#include "router/proxied_head.h"
#include "router/request_head.h"

namespace router {

namespace {

constexpr Refusal kNoLength{411, "The site needs to know the length of the body."};
constexpr Refusal kBadVariable{400, "A variable of the request has invalid characters."};
constexpr std::string_view kContentLength = "CONTENT_LENGTH";

/// Whether a well-formed packet says once, or for no body may not say, what the shape
/// says.
bool says(std::string_view block, const RequestShape& shape) {
  bool found = false;
  wire::VarReader vars(block);
  while (const auto var = vars.next()) {
    if (var->key != kContentLength) continue;
    if (found) return false;
    found = true;
    if (var->value.empty() && shape.body_end == BodyEnd::none) continue;
    if (parse_content_length(var->value) != shape.length) return false;
  }
  return vars.error() == nullptr && (found || shape.body_end == BodyEnd::none);
}

void append_netstring(std::string_view text, std::string& out) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
  out += ',';
}

}  // namespace

std::optional<Param> parse_param(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
  return Param{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

RequestWriter::RequestWriter(Protocol protocol,
                             uint8_t modifier1,
                             uint8_t modifier2,
                             std::span<const Param> params)
    : protocol_(protocol),
      modifier1_(modifier1),
      modifier2_(modifier2),
      params_(params) {}

std::optional<Refusal> RequestWriter::head(std::string_view packet,
                                           const RequestShape& shape,
                                           std::string& out) {
  const auto header = wire::decode_header(packet);
  if (!header || header->total() != packet.size()) return refusals::kMalformed;
  const std::string_view block = packet.substr(wire::kPacketHeader);
  shape_ = shape;
  if (shape.body_end != BodyEnd::length) shape_.length = 0;
  left_ = shape_.length;
  const size_t before = out.size();
  std::optional<Refusal> refusal;
  switch (protocol_) {
    case Protocol::uwsgi:
      refusal = uwsgi_head(packet, out);
      break;
    case Protocol::http:
      refusal = append_proxied_head(block, shape_, out);
      break;
    case Protocol::fastcgi:
      refusal = fastcgi_head(block, out);
      break;
    case Protocol::scgi:
      refusal = scgi_head(block, out);
      break;
  }
  if (refusal) out.resize(before);
  return refusal;
}

std::optional<Refusal> RequestWriter::uwsgi_head(std::string_view packet,
                                                 std::string& out) const {
  if (shape_.body_end == BodyEnd::unknown) return kNoLength;
  const std::string_view block = packet.substr(wire::kPacketHeader);
  if (params_.empty() && says(block, shape_)) {
    const size_t begin = out.size();
    out += packet;
    out[begin] = static_cast<char>(modifier1_);
    out[begin + 3] = static_cast<char>(modifier2_);
    return std::nullopt;
  }
  CgiParams params;
  if (const auto refusal = params.read(block, shape_, params_)) return refusal;
  wire::PacketBuilder changed(modifier1_, modifier2_);
  bool fits = true;
  for (const wire::Var& var : params.vars())
    fits = fits && changed.add(var.key, var.value);
  if (!params.content_length().empty())
    fits = fits && changed.add(kContentLength, params.content_length());
  if (!fits) return refusals::kHeadTooLarge;
  out += changed.bytes();
  return std::nullopt;
}

std::optional<Refusal> RequestWriter::fastcgi_head(std::string_view block,
                                                   std::string& out) const {
  CgiParams params;
  if (const auto refusal = params.read(block, shape_, params_)) return refusal;
  params.clean();
  if (const auto refusal = params.complete_for_fastcgi()) return refusal;
  std::string pairs;
  pairs.reserve(block.size() + 256);
  for (const wire::Var& var : params.vars())
    fastcgi::append_pair(var.key, var.value, pairs);
  fastcgi::append_pair(kContentLength, params.content_length(), pairs);
  fastcgi::append_begin(out);
  fastcgi::append_stream(fastcgi::Type::params, pairs, out);
  fastcgi::append_end(fastcgi::Type::params, out);
  return std::nullopt;
}

std::optional<Refusal> RequestWriter::scgi_head(std::string_view block,
                                                std::string& out) const {
  if (shape_.body_end == BodyEnd::unknown) return kNoLength;
  CgiParams params;
  if (const auto refusal = params.read(block, shape_, params_)) return refusal;
  params.clean();
  std::string text;
  text.reserve(block.size() + 64);
  bool valid = true;
  const auto add = [&](std::string_view key, std::string_view value) {
    // NUL ends a string here: within one it would begin another variable.
    valid = valid && key.find('\0') == std::string_view::npos &&
            value.find('\0') == std::string_view::npos;
    text += key;
    text += '\0';
    text += value;
    text += '\0';
  };
  add(kContentLength, params.content_length().empty() ? "0" : params.content_length());
  add("SCGI", "1");
  for (const wire::Var& var : params.vars())
    if (var.key != "SCGI") add(var.key, var.value);
  if (!valid) return kBadVariable;
  append_netstring(text, out);
  return std::nullopt;
}

RequestWriter::Frame RequestWriter::frame(size_t size) {
  constexpr std::string_view kZeros("\0\0\0\0\0\0\0", kMaxSuffix);
  Frame frame;
  frame.taken = std::min(size, kMaxPiece);
  if (tunnels()) return frame;
  if (shape_.body_end == BodyEnd::none) frame.taken = 0;
  if (shape_.body_end == BodyEnd::length) {
    frame.taken = static_cast<size_t>(std::min<uint64_t>(frame.taken, left_));
    left_ -= frame.taken;
  }
  if (frame.taken == 0) return frame;
  if (protocol_ == Protocol::fastcgi) {
    const size_t padding = fastcgi::padding_of(frame.taken);
    frame.prefix_bytes = fastcgi::header(fastcgi::Type::in, frame.taken, padding);
    frame.prefix_size = fastcgi::kHeader;
    frame.suffix = kZeros.substr(0, padding);
  } else if (protocol_ == Protocol::http && shape_.body_end == BodyEnd::unknown) {
    char* const begin = frame.prefix_bytes.data();
    char* end = std::to_chars(begin, begin + kMaxPrefix, frame.taken, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    frame.prefix_size = static_cast<uint8_t>(end - begin);
    frame.suffix = "\r\n";
  }
  return frame;
}

size_t RequestWriter::body(std::string_view piece, std::string& out) {
  size_t taken = 0;
  while (taken < piece.size()) {
    const Frame part = frame(piece.size() - taken);
    if (part.taken == 0) break;
    out += part.prefix();
    out += piece.substr(taken, part.taken);
    out += part.suffix;
    taken += part.taken;
  }
  return taken;
}

void RequestWriter::end(std::string& out) {
  if (protocol_ == Protocol::fastcgi)
    fastcgi::append_end(fastcgi::Type::in, out);
  else if (protocol_ == Protocol::http && shape_.body_end == BodyEnd::unknown &&
           !tunnels())
    out += "0\r\n\r\n";
}

bool RequestWriter::tunnels() const {
  return shape_.upgrade && (protocol_ == Protocol::uwsgi || protocol_ == Protocol::http);
}

bool RequestWriter::half_closes() const {
  return !tunnels() && (protocol_ == Protocol::uwsgi || protocol_ == Protocol::scgi);
}

}  // namespace router
