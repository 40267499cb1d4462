// Certificates on their way from the emperor, who may read the keys, to a router, who may
// not: the content of a sealed memfd. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/certificate_files.h"
#include "base/result.h"
#include "base/wire/ticket_keys.h"

namespace wire {

struct Certificates {
  std::vector<base::CertificateFile> files;
  TicketKeys ticket_keys{};
};

/// No more than this is taken from a memfd.
inline constexpr size_t kMaxCertificates = 160 << 20;

std::string encode_certificates(const Certificates& certificates);
/// An error if the bytes are not what encode_certificates() makes, to the last one.
base::Result<Certificates> decode_certificates(std::string_view bytes);

}  // namespace wire
