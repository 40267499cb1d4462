#include "emperor/certificate_feed.h"

#include <cstring>

namespace emperor {

namespace {

base::Result<base::Fd> sealed(std::string content) {
  auto memfd = base::make_memfd("certificates");
  auto written = memfd ? base::write_all(memfd->get(), content)
                       : base::Result<>(std::unexpected(memfd.error()));
  ::explicit_bzero(content.data(), content.size());
  if (!written) return std::unexpected(written.error());
  TRY(base::seal(memfd->get()));
  return memfd;
}

}  // namespace

void CertificateFeed::start(const std::string& directory,
                            uvx::TaskGroup& tasks,
                            std::function<void()> on_change) {
  auto watch = uvx::CertificateWatch::open(loop_, directory);
  if (!watch) return log_.error("certificates: {}", watch.error().message());
  watch_ = *std::move(watch);
  ticket_keys_.renew();
  auto seen = watch_->look();
  if (!seen)
    log_.error("certificates: {}", seen.error().message());
  else if (auto files = *std::move(seen))
    take(*std::move(files));
  on_change_ = std::move(on_change);
  tasks.spawn(follow(this));
}

uvx::Task<void> CertificateFeed::follow(CertificateFeed* self) {
  for (;;) {
    auto read = co_await self->watch_->changed(base::Deadline(self->ticket_keys_.due()));
    if (read)
      self->take(*std::move(read));
    else if (read.error().is(std::errc::operation_canceled))
      break;
    else
      self->log_.error("certificates: {}: the last ones stay", read.error().message());
  }
  self->watch_.reset();
}

void CertificateFeed::take(base::CertificateFiles read) {
  for (const std::string& warning : read.warnings)
    log_.warn("certificates: {}", warning);
  ticket_keys_.renew();
  wire::Certificates all{.files = std::move(read.files),
                         .ticket_keys = ticket_keys_.keys()};
  auto picture = sealed(wire::encode_certificates(all));
  for (base::CertificateFile& file : all.files)
    base::wipe(file);
  if (!picture) return log_.error("certificates: {}", picture.error().message());
  log_.info("certificates: read pairs={}", all.files.size());
  picture_ = *std::move(picture);
  if (on_change_) on_change_();
}

void CertificateFeed::close() {
  if (watch_) watch_->close();
}

}  // namespace emperor
