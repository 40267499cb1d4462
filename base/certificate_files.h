// CertificateFiles: the certificates and keys of a directory, read with bounds and not
// looked into.
//
// Taken are NAME.crt or NAME.pem with NAME.key beside it (a NAME.pem may hold both), and
// NAME/fullchain.pem with NAME/privkey.pem, as ACME clients leave them. Links are
// followed only in directories that nobody but root and the reader itself may change:
// elsewhere they could lead the reader to what their maker may not read. Who calls it
// decides what a certificate is good for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace base {

struct CertificateFile {
  std::string name;         ///< "example.com.crt", "example.com/fullchain.pem"
  std::string certificate;  ///< PEM: the site's own, then what leads to its root
  std::string key;          ///< PEM; the same as `certificate` if one file holds both
  std::string fault = {};   ///< why they could not be read; empty: they could
  friend bool operator==(const CertificateFile&, const CertificateFile&) = default;
};

/// Overwrites what may hold a key.
void wipe(CertificateFile& file);

struct CertificateFiles {
  std::vector<CertificateFile> files;  ///< by name
  std::vector<std::string> warnings;   ///< whole sentences for the log
};

class CertificateDirectory {
 public:
  explicit CertificateDirectory(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  /// What is there, or nothing if it is what it was at the last call. An error if the
  /// directory itself cannot be read.
  Result<std::optional<CertificateFiles>> read_if_changed();

  /// The next call finds everything changed.
  void forget() { last_.reset(); }

  static constexpr size_t kMaxFile = 256 * 1024;  ///< bytes of one file
  static constexpr size_t kMaxTotal = 64 << 20;   ///< bytes of all files
  static constexpr size_t kMaxPairs = 20'000;     ///< what follows, by name, is left out

 private:
  /// What tells one content of a file from another; all zero: there is no such file.
  using Stamp = std::array<uint64_t, 6>;
  struct Candidate {
    std::string name;
    std::string certificate;  ///< path below the directory
    std::string key;
    Stamp certificate_stamp{};
    Stamp key_stamp{};
    friend bool operator==(const Candidate&, const Candidate&) = default;
  };
  Result<std::vector<Candidate>> list() const;

  std::string path_;
  std::optional<std::vector<Candidate>> last_;
};

}  // namespace base
