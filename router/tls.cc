#include "router/tls.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>

namespace router {

namespace {

/// Mapped, since all router processes have the same open file.
base::Result<wire::Certificates> read_memfd(int memfd) {
  struct stat s{};
  if (::fstat(memfd, &s) != 0) return base::fail_errno("certificates");
  const auto size = static_cast<size_t>(s.st_size);
  if (size == 0 || size > wire::kMaxCertificates)
    return base::fail(EFBIG, "certificates");
  void* bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, memfd, 0);
  if (bytes == MAP_FAILED) return base::fail_errno("map certificates");
  auto certificates = wire::decode_certificates({static_cast<char*>(bytes), size});
  ::munmap(bytes, size);
  return certificates;
}

}  // namespace

void hide_memory() {
  ::prctl(PR_SET_DUMPABLE, 0);
}

Tls::Tls(uvx::Loop& loop, base::Log& log, uvx::TaskGroup& duties, UnknownName unknown)
    : loop_(loop), log_(log), duties_(duties), context_(unknown) {}

void Tls::take(base::Fd memfd) {
  auto certificates = read_memfd(memfd.get());
  if (!certificates) return log_.error("{}", certificates.error().message());
  take(*std::move(certificates));
}

void Tls::take(const wire::TicketKeys& keys) {
  const auto is_set = [](unsigned char byte) {
    return byte != 0;
  };
  if (std::ranges::any_of(keys, is_set)) context_.set_ticket_keys(keys);
}

void Tls::take(wire::Certificates certificates) {
  hide_memory();
  take(certificates.ticket_keys);
  if (!std::exchange(any_, true)) {
    CertificatesUpdate update(log_, context_.certificates(),
                              std::move(certificates.files));
    while (update.step()) {
    }
    return context_.set_certificates(update.take());
  }
  next_ = std::move(certificates);
  if (!taking_) duties_.spawn(take_over());
}

uvx::Task<void> Tls::take_over() {
  taking_ = true;
  while (auto wanted = std::exchange(next_, std::nullopt)) {
    CertificatesUpdate update(log_, context_.certificates(), std::move(wanted->files));
    while (!next_ && update.step())
      co_await loop_.yield();
    if (!next_) context_.set_certificates(update.take());
  }
  taking_ = false;
}

}  // namespace router
