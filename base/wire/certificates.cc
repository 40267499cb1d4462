#include "base/wire/certificates.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

namespace wire {

namespace {

constexpr std::string_view kMark = "imperium certificates 1\n";

void put(std::string& out, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof(size));
  out.append(text);
}

std::optional<std::string_view> take(std::string_view& bytes) {
  uint32_t size = 0;
  if (bytes.size() < sizeof(size)) return std::nullopt;
  std::memcpy(&size, bytes.data(), sizeof(size));
  bytes.remove_prefix(sizeof(size));
  if (bytes.size() < size) return std::nullopt;
  const std::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return text;
}

}  // namespace

std::string encode_certificates(const Certificates& certificates) {
  std::string out(kMark);
  size_t size = out.size() + certificates.ticket_keys.size();
  for (const base::CertificateFile& file : certificates.files)
    size += 16 + file.name.size() + file.certificate.size() + file.key.size() +
            file.fault.size();
  out.reserve(size);
  out.append(reinterpret_cast<const char*>(certificates.ticket_keys.data()),
             certificates.ticket_keys.size());
  for (const base::CertificateFile& file : certificates.files) {
    put(out, file.name);
    put(out, file.certificate);
    put(out, file.key);
    put(out, file.fault);
  }
  return out;
}

base::Result<Certificates> decode_certificates(std::string_view bytes) {
  Certificates certificates;
  auto& keys = certificates.ticket_keys;
  if (!bytes.starts_with(kMark) || bytes.size() < kMark.size() + keys.size())
    return base::fail("certificates: not in the form of this version");
  bytes.remove_prefix(kMark.size());
  std::copy_n(bytes.begin(), keys.size(), keys.begin());
  bytes.remove_prefix(keys.size());
  while (!bytes.empty()) {
    const auto name = take(bytes);
    const auto certificate = name ? take(bytes) : std::nullopt;
    const auto key = certificate ? take(bytes) : std::nullopt;
    const auto fault = key ? take(bytes) : std::nullopt;
    if (!fault) return base::fail("certificates: cut off");
    certificates.files.push_back({std::string(*name), std::string(*certificate),
                                  std::string(*key), std::string(*fault)});
  }
  return certificates;
}

}  // namespace wire
