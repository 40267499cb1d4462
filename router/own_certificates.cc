#include "router/own_certificates.h"

namespace router {

base::Result<std::unique_ptr<OwnCertificates>> OwnCertificates::open(
    uvx::Loop& loop, base::Log& log, Router& router, const std::string& directory) {
  TRY_ASSIGN(auto watch, uvx::CertificateWatch::open(loop, directory));
  TRY_ASSIGN(auto seen, watch->look());
  std::unique_ptr<OwnCertificates> self(
      new OwnCertificates(log, router, std::move(watch)));
  if (seen) self->give(*std::move(seen));
  return self;
}

void OwnCertificates::give(base::CertificateFiles read) {
  for (const std::string& warning : read.warnings)
    log_.warn("certificates: {}", warning);
  router_.take_certificates({.files = std::move(read.files)});
}

uvx::Task<void> OwnCertificates::follow() {
  for (;;) {
    auto read = co_await watch_->changed();
    if (read)
      give(*std::move(read));
    else if (read.error().is(std::errc::operation_canceled))
      co_return;
    else
      log_.error("certificates: {}: the last ones stay", read.error().message());
  }
}

}  // namespace router
