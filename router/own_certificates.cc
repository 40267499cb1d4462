#include "router/own_certificates.h"

namespace router {

base::Result<std::unique_ptr<OwnCertificates>> OwnCertificates::open(
    uvx::Loop& loop,
    base::Log& log,
    Router& router,
    const std::string& directory,
    Tickets tickets) {
  TRY_ASSIGN(auto watch, uvx::CertificateWatch::open(loop, directory));
  TRY_ASSIGN(auto seen, watch->look());
  std::unique_ptr<OwnCertificates> self(
      new OwnCertificates(log, router, std::move(watch), tickets));
  if (tickets == Tickets::own) self->ticket_keys_.renew();
  if (seen) self->give(*std::move(seen));
  return self;
}

void OwnCertificates::give(base::CertificateFiles read) {
  for (const std::string& warning : read.warnings)
    log_.warn("certificates: {}", warning);
  if (tickets_ == Tickets::own) ticket_keys_.renew();
  router_.take_certificates(
      {.files = std::move(read.files), .ticket_keys = ticket_keys_.keys()});
}

uvx::Task<void> OwnCertificates::follow() {
  for (;;) {
    const auto due = tickets_ == Tickets::own ? base::Deadline(ticket_keys_.due())
                                              : base::Deadline::never();
    auto read = co_await watch_->changed(due);
    if (read)
      give(*std::move(read));
    else if (read.error().is(std::errc::operation_canceled))
      co_return;
    else
      log_.error("certificates: {}: the last ones stay", read.error().message());
  }
}

}  // namespace router
