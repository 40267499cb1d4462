#include "vassal/read_result.h"

#include <algorithm>
#include <bit>

#include "vassal/settings_codec.h"

namespace vassal {

namespace {

constexpr std::string_view kMagic = "imp-read-1\n";
constexpr size_t kFrameBytes = 4;

void put_fact(Encoder& out, const base::FileFact& fact) {
  out.text(fact.path);
  out.number(fact.uid);
  out.number(fact.gid);
  out.number(fact.mode);
  out.number(fact.inode);
  out.number(fact.size);
  out.number(std::bit_cast<uint64_t>(fact.mtime_ns));
  out.text(fact.loose_directory);
}

base::FileFact take_fact(Decoder& in) {
  base::FileFact fact;
  fact.path = in.text();
  fact.uid = static_cast<uid_t>(in.number_up_to(UINT32_MAX));
  fact.gid = static_cast<gid_t>(in.number_up_to(UINT32_MAX));
  fact.mode = static_cast<mode_t>(in.number_up_to(07777));
  fact.inode = in.number();
  fact.size = in.number();
  fact.mtime_ns = std::bit_cast<int64_t>(in.number());
  fact.loose_directory = in.text();
  return fact;
}

void put_diagnostic(Encoder& out, const Diagnostic& d) {
  out.number(static_cast<uint64_t>(d.level));
  out.text(d.origin.file);
  out.number(d.origin.line);
  out.text(d.text);
}

Diagnostic take_diagnostic(Decoder& in) {
  Diagnostic d;
  d.level = static_cast<Diagnostic::Level>(in.number_up_to(2));
  d.origin.file = in.text();
  d.origin.line = static_cast<uint32_t>(in.number_up_to(UINT32_MAX));
  d.text = in.text();
  return d;
}

std::string encode(const ReadResult& result) {
  Encoder out;
  out.text(kMagic);
  out.text(result.path);
  out.number(result.hash);
  out.number(result.files.size());
  for (const auto& fact : result.files)
    put_fact(out, fact);
  out.settings(result.settings);
  out.number(result.diagnostics.size());
  for (const auto& d : result.diagnostics)
    put_diagnostic(out, d);
  return out.take();
}

}  // namespace

const Diagnostic* ReadResult::first_error() const {
  const auto it =
      std::ranges::find(diagnostics, Diagnostic::Level::error, &Diagnostic::level);
  return it == diagnostics.end() ? nullptr : &*it;
}

std::string encode_read_result(const ReadResult& result) {
  std::string bytes = encode(result);
  if (bytes.size() <= kMostEncodedBytes) return bytes;
  ReadResult small;
  small.path = result.path.substr(0, 4096);
  small.hash = result.hash;
  if (!result.files.empty()) small.files = {result.files.front()};
  small.diagnostics = {
      {Diagnostic::Level::error, {small.path, 0}, "the settings are too large"}};
  return encode(small);
}

base::Result<ReadResult> decode_read_result(std::string_view bytes) {
  if (bytes.size() > kMostEncodedBytes)
    return base::fail("a result of the reader is too large");
  Decoder in(bytes);
  if (in.text() != kMagic) in.fail();
  ReadResult out;
  out.path = in.text();
  out.hash = in.number();
  const size_t files = in.count();
  for (size_t i = 0; i < files && in.ok(); ++i)
    out.files.push_back(take_fact(in));
  out.settings = in.settings();
  const size_t diagnostics = in.count();
  for (size_t i = 0; i < diagnostics && in.ok(); ++i)
    out.diagnostics.push_back(take_diagnostic(in));
  if (!in.finished()) return base::fail("a result of the reader is damaged");
  return out;
}

std::string framed(const ReadResult& result) {
  const std::string body = encode_read_result(result);
  std::string out;
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(static_cast<unsigned char>(body.size() >> shift)));
  return out + body;
}

base::Result<std::vector<ReadResult>> ReadResultStream::feed(std::string_view bytes) {
  pending_ += bytes;
  std::vector<ReadResult> out;
  std::string_view rest = pending_;
  while (rest.size() >= kFrameBytes) {
    size_t size = 0;
    for (unsigned i = 0; i < kFrameBytes; ++i)
      size |= static_cast<size_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
    if (size > kMostEncodedBytes)
      return base::fail("a result of the reader is too large");
    if (rest.size() < kFrameBytes + size) break;
    TRY_ASSIGN(ReadResult result, decode_read_result(rest.substr(kFrameBytes, size)));
    out.push_back(std::move(result));
    rest.remove_prefix(kFrameBytes + size);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return out;
}

uint64_t fnv1a(std::string_view bytes, uint64_t hash) {
  for (const char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace vassal
