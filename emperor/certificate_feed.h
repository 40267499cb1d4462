// CertificateFeed: the operator's certificates, read as root, for routers that may not.
//
// What a router gets is a sealed memfd with all of them (base/wire/certificates.h): keys
// need to be readable by root alone, and no router ever opens a file for a client.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/uv/certificate_watch.h"
#include "base/uv/task_group.h"
#include "base/wire/certificates.h"

namespace emperor {

class CertificateFeed {
 public:
  CertificateFeed(uvx::Loop& loop, base::Log& log) : loop_(loop), log_(log) {}

  /// Looks at `directory` at once, then whenever it changes; `on_change` is called for
  /// each picture but the first.
  void start(const std::string& directory,
             uvx::TaskGroup& tasks,
             std::function<void()> on_change);
  /// The memfd for a router; -1 while nothing could be read.
  int picture() const { return picture_.get(); }
  void close();

 private:
  static uvx::Task<void> follow(CertificateFeed* self);
  void take(base::CertificateFiles read);

  uvx::Loop& loop_;
  base::Log& log_;
  std::unique_ptr<uvx::CertificateWatch> watch_;
  std::function<void()> on_change_;
  base::Fd picture_;
  wire::RenewedTicketKeys ticket_keys_;
};

}  // namespace emperor
