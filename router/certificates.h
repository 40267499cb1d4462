// Certificates: all that a router has, and which of them a client gets that asks for a
// name.
//
// A picture of the files comes in whole; what did not change is kept as it is, and a pair
// that is broken stays what it was before. Taking over a large picture is done in steps,
// so that nobody waits for it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "router/certificate.h"

namespace router {

class Certificates {
 public:
  /// For a name that a client sent (SNI), in any case: the one with that name, else the
  /// one with a wildcard for it; null if there is none. Of two with the same name, the
  /// one that expires later.
  std::shared_ptr<const Certificate> find(std::string_view name) const;
  /// For all others: the file "_default", else the first one; null if there is none.
  std::shared_ptr<const Certificate> fallback() const;
  /// That of a file, as the last picture named it; null if there is none.
  std::shared_ptr<const Certificate> of_file(const std::string& file) const;

  size_t size() const { return by_file_.size(); }
  size_t names() const { return by_name_.size(); }

  void add(std::shared_ptr<const Certificate> certificate);

 private:
  std::map<std::string, std::shared_ptr<const Certificate>> by_file_;
  std::unordered_map<std::string, std::shared_ptr<const Certificate>> by_name_;
};

/// The way from one state to the next.
class CertificatesUpdate {
 public:
  /// `before` must stay as it is until the end.
  CertificatesUpdate(base::Log& log,
                     const Certificates& before,
                     std::vector<base::CertificateFile> files);

  /// Looks at the next file; false once there is none.
  bool step();
  /// What it has come to, once step() says that there is no more.
  Certificates take();

 private:
  void broken(const base::CertificateFile& file, const base::Error& why);

  base::Log& log_;
  const Certificates& before_;
  std::vector<base::CertificateFile> files_;
  CertificateReader reader_;
  Certificates after_;
  size_t at_ = 0;
  size_t read_ = 0;
  size_t broken_ = 0;
};

}  // namespace router
