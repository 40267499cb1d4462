// Whatever a packet holds, a backend reads one request of it, whose body is as long as
// the shape says.
#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <vector>

#include "base/wire/uwsgi_packet.h"
#include "router/http_message.h"
#include "router/request_writer.h"
#include "tests/fuzz/invariant.h"

namespace {

using router::BodyEnd;
using router::Protocol;
using router::RequestShape;

std::string length_of(const RequestShape& shape) {
  return shape.body_end == BodyEnd::length ? std::to_string(shape.length) : "";
}

void check_uwsgi(std::string_view head, const RequestShape& shape) {
  const auto header = wire::decode_header(head);
  invariant(header && header->total() == head.size(), "one packet");
  invariant(header->modifier1 == 5 && header->modifier2 == 6, "its own modifiers");
  wire::VarReader vars(head.substr(wire::kPacketHeader));
  std::string length;
  while (const auto var = vars.next())
    if (var->key == "CONTENT_LENGTH") length = var->value;
  invariant(vars.error() == nullptr, "a worker can read the packet");
  if (shape.body_end == BodyEnd::length)
    invariant(std::stoull(length) == shape.length, "the length of the body");
}

void check_http(std::string_view head, const RequestShape& shape) {
  invariant(head.find("\r\n\r\n") + 4 == head.size(), "one head");
  invariant(router::is_strict_head(head), "as RFC 9112 has it");
  router::HttpMessage message(router::HttpMessage::Kind::request);
  message.read_head(head);
  if (message.fault().find("method") != std::string_view::npos) return;  // unknown to it
  if (message.too_large()) return;
  invariant(message.state() != router::HttpMessage::State::broken, "it can be read");
  invariant(message.head_size() == head.size(), "nothing is behind it");
  invariant(message.chunked() == (shape.body_end == BodyEnd::unknown), "chunks");
  size_t lengths = 0;
  for (const auto& field : message.fields())
    if (router::same_name(field.name, "Content-Length")) {
      ++lengths;
      invariant(field.value == (length_of(shape).empty() ? "0" : length_of(shape)),
                "the length of the body");
    }
  invariant(lengths <= 1, "one length");
}

void check_scgi(std::string_view head, const RequestShape& shape) {
  size_t size = 0;
  const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), size);
  head.remove_prefix(static_cast<size_t>(end - head.data()));
  invariant(error == std::errc{} && head.size() == size + 2 && head.starts_with(':') &&
                head.ends_with(','),
            "one netstring");
  head = head.substr(1, size);
  const std::string length = length_of(shape).empty() ? "0" : length_of(shape);
  const std::string begin =
      std::string("CONTENT_LENGTH") + '\0' + length + '\0' + "SCGI" + '\0' + "1" + '\0';
  invariant(head.starts_with(begin), "the length first");
  size_t words = 0;
  size_t lengths = 0;
  while (!head.empty()) {
    const size_t nul = head.find('\0');
    invariant(nul != std::string_view::npos, "every word has an end");
    if (words++ % 2 == 0 && head.substr(0, nul) == "CONTENT_LENGTH") ++lengths;
    head.remove_prefix(nul + 1);
  }
  invariant(words % 2 == 0 && lengths == 1, "names and values, one length");
}

size_t take_number(std::string_view& bytes, size_t size) {
  invariant(bytes.size() >= size, "a number is whole");
  size_t number = 0;
  for (; size > 0; --size, bytes.remove_prefix(1))
    number = number << 8 | static_cast<uint8_t>(bytes[0]);
  return number;
}

size_t take_length(std::string_view& bytes) {
  const bool is_long = !bytes.empty() && (static_cast<uint8_t>(bytes[0]) & 0x80U) != 0;
  return is_long ? take_number(bytes, 4) & 0x7fffffffU : take_number(bytes, 1);
}

void check_pairs(std::string_view pairs, const RequestShape& shape) {
  size_t lengths = 0;
  while (!pairs.empty()) {
    const size_t name = take_length(pairs);
    const size_t value = take_length(pairs);
    invariant(pairs.size() >= name + value, "a pair is whole");
    if (pairs.substr(0, name) == "CONTENT_LENGTH") {
      ++lengths;
      invariant(pairs.substr(name, value) == length_of(shape), "the length of the body");
    }
    pairs.remove_prefix(name + value);
  }
  invariant(lengths == 1, "one length");
}

void check_fastcgi(std::string_view head, const RequestShape& shape) {
  std::string pairs;
  size_t records = 0;
  while (!head.empty()) {
    invariant(take_number(head, 1) == 1, "version 1");
    const size_t type = take_number(head, 1);
    invariant(type == (records++ == 0 ? 1U : 4U), "begin, then parameters");
    invariant(take_number(head, 2) == 1, "request 1");
    const size_t content = take_number(head, 2);
    const size_t padding = take_number(head, 1);
    take_number(head, 1);
    invariant(head.size() >= content + padding, "a record is whole");
    if (type == 4) pairs += head.substr(0, content);
    head.remove_prefix(content + padding);
    invariant(content != 0 || head.empty(), "the empty record is the last");
  }
  check_pairs(pairs, shape);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 4096) return 0;
  const auto protocol = static_cast<Protocol>(data[0] & 3U);
  const auto ends = static_cast<BodyEnd>(std::min(data[0] >> 2 & 3U, 2U));
  const RequestShape shape{.body_end = ends,
                           .length = ends == BodyEnd::length ? data[1] : 0U,
                           .upgrade = (data[0] & 16U) != 0};
  const std::string_view block(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string packet{'\0', static_cast<char>(block.size() & 0xff),
                     static_cast<char>(block.size() >> 8), '\0'};
  packet += block;
  const std::vector<router::Param> params{{"DOCUMENT_ROOT", "/srv"}};
  const std::span<const router::Param> some(params.data(), data[0] >> 5 & 1U);
  router::RequestWriter writer(protocol, 5, 6, some);
  std::string head;
  if (writer.head(packet, shape, head)) {
    invariant(head.empty(), "what is refused is not said");
    return 0;
  }
  switch (protocol) {
    case Protocol::uwsgi:
      check_uwsgi(head, shape);
      break;
    case Protocol::http:
      check_http(head, shape);
      break;
    case Protocol::fastcgi:
      check_fastcgi(head, shape);
      break;
    case Protocol::scgi:
      check_scgi(head, shape);
      break;
  }
  return 0;
}
