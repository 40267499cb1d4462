#include "router/own_certificates.h"

#include <sys/random.h>

namespace router {

namespace {
constexpr base::Duration kKeysLast = std::chrono::hours(12);
}  // namespace

base::Result<std::unique_ptr<OwnCertificates>> OwnCertificates::open(
    uvx::Loop& loop, base::Log& log, Router& router, const std::string& directory) {
  TRY_ASSIGN(auto watch, uvx::CertificateWatch::open(loop, directory));
  TRY_ASSIGN(auto seen, watch->look());
  std::unique_ptr<OwnCertificates> self(
      new OwnCertificates(log, router, std::move(watch)));
  self->renew_ticket_keys();
  if (seen) self->give(*std::move(seen));
  return self;
}

void OwnCertificates::give(base::CertificateFiles read) {
  for (const std::string& warning : read.warnings)
    log_.warn("certificates: {}", warning);
  renew_ticket_keys();
  router_.take_certificates(
      {.files = std::move(read.files), .ticket_keys = ticket_keys_});
}

void OwnCertificates::renew_ticket_keys() {
  const auto now = base::Clock::now();
  if (keys_made_ != base::Instant() && now < keys_made_ + kKeysLast) return;
  keys_made_ = now;
  wire::TicketKeys fresh{};
  if (::getrandom(fresh.data(), fresh.size(), 0) == static_cast<ssize_t>(fresh.size()))
    ticket_keys_ = fresh;
}

uvx::Task<void> OwnCertificates::follow() {
  for (;;) {
    auto read = co_await watch_->changed(base::Deadline(keys_made_ + kKeysLast));
    if (read)
      give(*std::move(read));
    else if (read.error().is(std::errc::operation_canceled))
      co_return;
    else
      log_.error("certificates: {}: the last ones stay", read.error().message());
  }
}

}  // namespace router
