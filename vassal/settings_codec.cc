// Numbers are LEB128; texts are a length and bytes. Origins repeat their file for many
// settings in a row, so a setting names its file only when it is another one than before.
#include "vassal/settings_codec.h"

#include <cerrno>

namespace vassal {

namespace {

constexpr std::string_view kMagic = "imp-layers-1\n";

// in front of each setting
constexpr uint64_t kPlaceholder = 1;
constexpr uint64_t kNewFile = 2;
constexpr uint64_t kAllFlags = kPlaceholder | kNewFile;

}  // namespace

void Encoder::number(uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<char>(static_cast<unsigned char>(value | 0x80)));
    value >>= 7;
  }
  bytes_.push_back(static_cast<char>(static_cast<unsigned char>(value)));
}

void Encoder::text(std::string_view value) {
  number(value.size());
  bytes_.append(value);
}

void Encoder::settings(const std::vector<base::Setting>& settings) {
  number(settings.size());
  const std::string* file = nullptr;
  for (const base::Setting& s : settings) {
    const bool new_file = file == nullptr || *file != s.origin.file;
    number((s.placeholder ? kPlaceholder : 0) | (new_file ? kNewFile : 0));
    if (new_file) text(s.origin.file);
    file = &s.origin.file;
    number(s.origin.line);
    text(s.key);
    text(s.value);
  }
}

uint64_t Decoder::number() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return fail(), 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (shift == 63 && byte > 1) return fail(), 0;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80)
      return byte == 0 && shift > 0 ? (fail(), 0) : value;  // one form per number
  }
  return fail(), 0;
}

uint64_t Decoder::number_up_to(uint64_t most) {
  const uint64_t value = number();
  if (value > most) return fail(), 0;
  return value;
}

size_t Decoder::count() {
  const uint64_t value = number();
  if (value > rest_.size()) return fail(), 0;
  return static_cast<size_t>(value);
}

std::string Decoder::text() {
  const size_t size = count();
  if (!ok_) return {};
  std::string out(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return out;
}

std::vector<base::Setting> Decoder::settings() {
  std::vector<base::Setting> out;
  const size_t many = count();
  std::string file;
  for (size_t i = 0; i < many && ok_; ++i) {
    base::Setting s;
    const uint64_t flags = number_up_to(kAllFlags);
    if (i == 0 && (flags & kNewFile) == 0) fail();
    if ((flags & kNewFile) != 0) file = text();
    s.placeholder = (flags & kPlaceholder) != 0;
    s.origin.file = file;
    s.origin.line = static_cast<uint32_t>(number_up_to(UINT32_MAX));
    s.key = text();
    s.value = text();
    if (ok_) out.push_back(std::move(s));
  }
  return out;
}

base::Result<std::string> encode_layers(const Layers& layers) {
  Encoder out;
  out.text(kMagic);
  out.text(layers.file);
  out.number(layers.author == Author::tenant ? 1 : 0);
  for (const auto* layer : {&layers.defaults, &layers.vassal, &layers.policy})
    out.settings(*layer);
  if (out.bytes().size() > kMostEncodedBytes)
    return base::fail(EFBIG, "settings of " + layers.file);
  return out.take();
}

base::Result<Layers> decode_layers(std::string_view bytes) {
  if (bytes.size() > kMostEncodedBytes) return base::fail(EFBIG, "encoded settings");
  Decoder in(bytes);
  if (in.text() != kMagic) in.fail();
  Layers out;
  out.file = in.text();
  out.author = in.number_up_to(1) == 1 ? Author::tenant : Author::root;
  for (auto* layer : {&out.defaults, &out.vassal, &out.policy})
    *layer = in.settings();
  if (!in.finished()) return base::fail("the encoded settings are damaged");
  return out;
}

}  // namespace vassal
