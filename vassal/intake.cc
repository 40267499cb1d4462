#include "vassal/intake.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd_passing.h"

namespace vassal {

namespace {

/// After so many connections from one source the others are looked at first.
constexpr uint32_t kLongestStreak = 16;
/// Whether to try once more after a request, or to go to sleep, which finds what is
/// there, too. A try that succeeds saves that call; one that does not costs a fruitless
/// receive, less than the call, or a fruitless accept, more than twice as much. So luck
/// counts these up and down, and half of it is enough for another try.
constexpr int kMostLuck = 16;
struct Stake {
  int gain;
  int loss;
};
constexpr Stake kReceive{2, 1};
constexpr Stake kAccept{1, 2};
/// Without luck, one request in so many is followed by a try all the same.
constexpr uint32_t kProbe = 16;

base::Result<> watch(int epoll, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
    return base::fail_errno("epoll_ctl");
  return {};
}

}  // namespace

base::Result<Intake> Intake::open(const Sockets& sockets, std::span<const int> calls) {
  Intake intake;
  intake.epoll_ = base::Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!intake.epoll_) return base::fail_errno("epoll_create1");
  if (sockets.handoff >= 0) intake.sources_.push_back({sockets.handoff, true, true});
  for (const int fd : sockets.listeners)
    intake.sources_.push_back({fd, false, true});
  for (const Source& source : intake.sources_)
    TRY(watch(intake.epoll_.get(), source.fd, EPOLLIN | EPOLLEXCLUSIVE));
  intake.calls_.assign(calls.begin(), calls.end());
  for (const int fd : calls)
    TRY(watch(intake.epoll_.get(), fd, EPOLLIN));
  return intake;
}

bool Intake::promising() {
  return woken_ || luck_ > kMostLuck / 2 || ++skipped_ % kProbe == 0;
}

std::optional<Arrival> Intake::try_take(std::span<char> buffer) {
  if (sources_.empty()) return std::nullopt;
  if (++streak_ > kLongestStreak) turn_to((first_ + 1) % sources_.size());
  Source& source = sources_[first_];
  auto arrival = take_from(source, buffer);
  const Stake& stake = source.handoff ? kReceive : kAccept;
  if (!woken_)
    luck_ = std::clamp(luck_ + (arrival ? stake.gain : -stake.loss), 0, kMostLuck);
  woken_ = false;
  return arrival;
}

std::optional<Arrival> Intake::take_last(std::span<char> buffer) {
  epoll_.reset();
  for (size_t i = 0; i < sources_.size(); ++i)
    if (auto arrival = take_from(sources_[(first_ + i) % sources_.size()], buffer))
      return arrival;
  return std::nullopt;
}

void Intake::turn_to(size_t source) {
  if (source != first_) streak_ = 0;
  first_ = source;
}

std::optional<Arrival> Intake::take_from(Source& source, std::span<char> buffer) {
  if (!source.open) return std::nullopt;
  return source.handoff ? take_handed_over(source, buffer) : accept_from(source);
}

std::optional<Arrival> Intake::accept_from(const Source& source) {
  for (;;) {
    const int fd = ::accept4(source.fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      Arrival arrival;
      arrival.fd = base::Fd(fd);
      return arrival;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) error_ = errno;
    return std::nullopt;
  }
}

std::optional<Arrival> Intake::take_handed_over(Source& source, std::span<char> buffer) {
  for (;;) {
    auto received = base::receive_with_fds(source.fd, buffer);
    if (!received && received.error().is(std::errc::message_size)) continue;
    if (!received || (received->size == 0 && received->fds.empty())) {
      note_failure(source, received ? 0 : received.error().code.value());
      return std::nullopt;
    }
    const auto header = wire::decode_handoff({buffer.data(), received->size});
    if (!header || received->fds.size() != 1) continue;
    return Arrival{.fd = std::move(received->fds.front()),
                   .size = received->size - wire::kHandoffHeader,
                   .framing = header->kind == wire::HandoffKind::nginx
                                  ? Framing::until_close
                                  : Framing::http11,
                   .one_way = header->kind == wire::HandoffKind::http_pipe,
                   .handed_over = true,
                   .arrived = header->arrived,
                   .deadline = header->deadline};
  }
}

/// Too many open files end this worker; a channel that was shut down ends this source: it
/// would report itself for ever.
void Intake::note_failure(Source& source, int code) {
  if (code == EAGAIN) return;
  if (code == EMFILE || code == ENFILE) {
    error_ = code;
    return;
  }
  source.open = false;
  if (epoll_) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, source.fd, nullptr);
}

int Intake::sleep() {
  return wake(-1);
}

int Intake::wake(int timeout) {
  woken_ = true;
  // One event only, the oldest: that is the one whose wake-up nobody else got. Taking
  // another one first would leave it to wait for the end of that request.
  epoll_event event{};
  if (::epoll_wait(epoll_.get(), &event, 1, timeout) != 1) return -1;
  const int fd = event.data.fd;
  if (std::ranges::find(calls_, fd) != calls_.end()) return fd;
  const auto source = std::ranges::find(sources_, fd, &Source::fd);
  if (source != sources_.end()) turn_to(static_cast<size_t>(source - sources_.begin()));
  return -1;
}

}  // namespace vassal
