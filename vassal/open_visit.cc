#include "vassal/open_visit.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace vassal {

namespace {

/// Read at once while a packet comes in; most come whole.
constexpr size_t kPacketPiece = 16 * 1024;
/// Above so many bytes that were not taken the application waits (as asgi.py has it).
constexpr uint64_t kMostUnsent = 64 * 1024;

bool is_tcp(int fd) {
  int domain = AF_UNIX;
  socklen_t size = sizeof(domain);
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain != AF_UNIX;
}

}  // namespace

OpenVisit::OpenVisit(const Bench& bench, VisitKeeper& keeper, uint64_t id)
    : bench_(bench), keeper_(keeper), id_(id), serving_(bench) {
  serving_.connection().never_wait();
}

// ---- the packet

bool OpenVisit::open(Arrival arrival, std::string_view bytes) {
  if (!serving_.take(arrival)) return false;
  arrival_ = std::move(arrival);
  tcp_ = !arrival_.one_way && is_tcp(serving_.fd());
  bytes_ = bytes;
  read_by_ = base::Deadline::in(kPacketPatience);
  return read_packet();
}

/// Reads as much of it as there is. False: it is none.
bool OpenVisit::read_packet() {
  for (;;) {
    const auto size = serving_.packet_size(bytes_);
    if (!size) return refuse(size.error());
    if (bytes_.size() >= *size) return begin();
    const size_t have = bytes_.size();
    bytes_.resize(have + kPacketPiece);
    const ssize_t n = serving_.connection().receive(bytes_.data() + have, kPacketPiece);
    bytes_.resize(have + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n == -EAGAIN) {
      keeper_.arm(*this);
      return true;
    }
    if (n <= 0)
      return refuse(n == 0 ? "it ends before the packet does" : "the connection broke");
  }
}

bool OpenVisit::refuse(const char* why) {
  serving_.refuse(why);
  return false;
}

bool OpenVisit::begin() {
  bytes_.shrink_to_fit();
  if (const char* wrong = serving_.open(bytes_, arrival_)) return refuse(wrong);
  read_by_ = base::Deadline::never();
  began_ns_ = now_ns();
  stage_ = Stage::served;
  since_ns_ = began_ns_;
  keeper_.begun(*this);
  if (serving_.answer_itself()) {
    released_ = true;
    close(Close::whole);
  }
  return true;
}

// ---- while it is served

bool OpenVisit::two_way() const {
  return !arrival_.one_way;
}

void OpenVisit::watch(Watch what) {
  if (stage_ != Stage::served) return;
  watches_ = true;
  watched_ = what;
  read_by_ = what == Watch::read && !switched_
                 ? base::Deadline::in(bench_.config.socket_timeout)
                 : base::Deadline::never();
  look_who_is_waited_for();
  keeper_.arm(*this);
}

/// A visitor who is slow to send or to take has deadlines of his own: the time that the
/// application waits for him is not its own, else he could have a worker killed with all
/// the others' requests.
void OpenVisit::look_who_is_waited_for() {
  const bool reading = watches_ && watched_ == Watch::read;
  const bool works =
      stage_ == Stage::served && !switched_ && !reading && unsent_ <= kMostUnsent;
  if (works == (since_ns_ != 0)) return;
  const uint64_t now = now_ns();
  if (!works) worked_ns_ += now - since_ns_;
  const uint64_t since = works ? now - worked_ns_ : 0;
  keeper_.at_work(*this, since);
  since_ns_ = since;
}

uint64_t OpenVisit::push() {
  if (stage_ == Stage::closed) return 0;
  const uint64_t unsent = serving_.connection().unsent();
  if (unsent > 0 && unsent_ == 0) {
    send_by_ = base::Deadline::in(write_patience(bench_.config));
    unsent_ = unsent;
    keeper_.arm(*this);
  }
  unsent_ = unsent;
  look_who_is_waited_for();
  return unsent;
}

void OpenVisit::switched() {
  switched_ = true;
  look_who_is_waited_for();
}

ssize_t OpenVisit::receive(char* into, size_t size) {
  return serving_.connection().receive(into, size);
}

int OpenVisit::send(std::string_view data) {
  return serving_.writer().write_switched(data);
}

OpenVisit::Interest OpenVisit::interest() const {
  Interest wish;
  if (stage_ == Stage::packet || stage_ == Stage::lingering) return {true, EPOLLIN};
  if (stage_ == Stage::served && watches_) {
    wish.any = true;
    // Hang-ups are always told. Only on TCP a closed half means that nobody is there.
    if (watched_ == Watch::read) wish.events |= EPOLLIN;
    if (watched_ == Watch::leave && tcp_) wish.events |= EPOLLRDHUP;
  }
  if (unsent_ > 0) {
    wish.any = true;
    wish.events |= EPOLLOUT;
  }
  return wish;
}

/// Nobody is there: nothing is kept for him.
void OpenVisit::lose() {
  gone_ = true;
  unsent_ = 0;
  serving_.connection().give_up();
}

/// Sends what the visitor takes now. False: nobody is there.
bool OpenVisit::flush() {
  const bool good = serving_.connection().flush() == 0;
  const uint64_t unsent = serving_.connection().unsent();
  if (unsent < unsent_) send_by_ = base::Deadline::in(write_patience(bench_.config));
  unsent_ = good ? unsent : 0;
  return good;
}

bool OpenVisit::on_served(uint32_t events) {
  const uint32_t wanted = watched_ == Watch::read ? EPOLLIN | EPOLLHUP | EPOLLERR
                                                  : EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  const bool fired = watches_ && (events & wanted) != 0;
  if (fired) {
    watches_ = false;
    read_by_ = base::Deadline::never();
    if (watched_ == Watch::leave) lose();
  }
  const bool waited = unsent_ > 0;
  if (waited && !flush()) lose();
  look_who_is_waited_for();
  keeper_.arm(*this);
  return fired || waited;
}

bool OpenVisit::on_events(uint32_t events) {
  switch (stage_) {
    case Stage::packet:
      if (!read_packet()) {
        stage_ = Stage::closed;
        keeper_.forget(*this);
      }
      return false;
    case Stage::served:
      return on_served(events);
    case Stage::flushing:
      if (flush())
        go_on();
      else
        end();
      return false;
    case Stage::lingering:
      drop_rest();
      return false;
    case Stage::closed:
      return false;
  }
  return false;
}

bool OpenVisit::on_time(base::Instant now) {
  const bool late_to_send = unsent_ > 0 && send_by_.passed(now);
  if (!late_to_send && !read_by_.passed(now)) return false;
  if (stage_ == Stage::served) {
    read_by_ = base::Deadline::never();
    watches_ = false;
    lose();
    look_who_is_waited_for();
    return true;
  }
  if (stage_ == Stage::packet) {
    serving_.refuse("the packet does not come");
    stage_ = Stage::closed;
    keeper_.forget(*this);
  } else {
    end();
  }
  return false;
}

// ---- the end

void OpenVisit::close(Close how) {
  if (stage_ != Stage::served) return;
  stage_ = Stage::flushing;
  watches_ = false;
  read_by_ = base::Deadline::never();
  look_who_is_waited_for();
  if (how == Close::cut || gone()) return end();
  push();
  go_on();
}

/// Once all is taken: whether the visitor has to be heard out, so that closing does not
/// destroy the answer on its way.
void OpenVisit::go_on() {
  if (unsent_ > 0) return keeper_.arm(*this);
  const bool more_may_come = switched_ || !serving_.body().ended();
  if (!more_may_come || !two_way()) return end();
  ::shutdown(serving_.fd(), SHUT_WR);
  stage_ = Stage::lingering;
  read_by_ = base::Deadline::in(kLinger);
  drop_rest();
}

void OpenVisit::drop_rest() {
  std::array<char, 16384> dropped;
  for (int i = 0; i < 16; ++i) {  // then others have a turn
    const ssize_t n = serving_.connection().receive(dropped.data(), dropped.size());
    if (n == -EAGAIN) break;
    if (n <= 0) return end();
  }
  keeper_.arm(*this);
}

void OpenVisit::end() {
  serving_.connection().close();
  stage_ = Stage::closed;
  unsent_ = 0;
  read_by_ = base::Deadline::never();
  keeper_.ended(*this);
  if (released_) keeper_.forget(*this);
}

void OpenVisit::release() {
  owner = nullptr;
  if (stage_ == Stage::served) close(Close::cut);
  // end() forgot it if it was released before.
  if (released_) return;
  released_ = true;
  if (stage_ == Stage::closed) keeper_.forget(*this);
}

}  // namespace vassal
