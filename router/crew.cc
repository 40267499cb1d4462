#include "router/crew.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/clock.h"
#include "base/fd_passing.h"
#include "base/process.h"
#include "base/wire/message.h"
#include "base/wire/router_control.h"
#include "base/wire/ticket_keys.h"
#include "base/wire/uwsgi_packet.h"

namespace router {

namespace verbs = wire::router_control;
using namespace std::chrono_literals;

namespace {

/// Who lived for less is started again with a pause.
constexpr base::Duration kGoodLife = 1s;

struct Member {
  pid_t pid = 0;
  base::Fd control;
  base::Fd inbox;       // where the others write to it
  uint64_t serial = 0;  // by which they know it
  bool up = false;      // it accepts, and knows what there is to know
  base::Instant began;
  std::optional<base::Instant> start_at;
};

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGUSR1})
    ::sigaddset(&set, signal);
  return set;
}

void tell(const Member& member, const wire::Message& message, int fd = -1) {
  const auto bytes = wire::encode(message);
  if (!bytes || !member.control) return;
  // Who cannot take it does not read at all, and is no better off with it later.
  static_cast<void>(base::send_with_fds(member.control.get(), *bytes,
                                        std::span<const int>(&fd, fd < 0 ? 0 : 1)));
}

wire::Message word(const char* verb) {
  return {.verb = verb, .fields = {}};
}

class Crew {
 public:
  Crew(unsigned processes, std::vector<CrewSocket> sockets, base::Log& log)
      : log_(log), sockets_(std::move(sockets)), members_(processes) {
    const auto is_https = [](const CrewSocket& socket) {
      return socket.kind == "https";
    };
    if (std::ranges::any_of(sockets_, is_https)) ticket_keys_.emplace();
  }

  std::optional<base::Fd> run();

 private:
  void renew_ticket_keys();
  void tell_ticket_keys(const Member& member) const;
  std::optional<base::Fd> start_due();
  std::optional<base::Fd> start(Member& member);
  void introduce(Member& member, base::Fd inbox);
  void tell_others(const Member& member, const wire::Message& message, int fd = -1);
  void wait();
  void on_signals();
  void reap();
  void hear(Member& member);
  void on_message(Member& member, const wire::Message& message);
  bool anybody() const {
    return std::ranges::any_of(members_, [](const Member& m) { return m.pid != 0; });
  }

  base::Log& log_;
  std::vector<CrewSocket> sockets_;
  std::vector<Member> members_;
  base::Fd signals_;
  uint64_t last_serial_ = 0;
  std::optional<wire::RenewedTicketKeys> ticket_keys_;  // if there is HTTPS
  std::vector<char> buffer_ = std::vector<char>(wire::kMaxPacket);
  bool stopping_ = false;
};

std::optional<base::Fd> Crew::run() {
  const sigset_t set = watched_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = base::Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  for (Member& member : members_)
    member.start_at = base::Clock::now();
  while (!stopping_ || anybody()) {
    renew_ticket_keys();
    if (auto control = start_due()) return control;
    wait();
  }
  log_.info("router: all processes are gone");
  return std::nullopt;
}

/// A client may come back to another process.
void Crew::renew_ticket_keys() {
  if (!ticket_keys_ || !ticket_keys_->renew()) return;
  for (const Member& member : members_)
    if (member.pid != 0) tell_ticket_keys(member);
}

void Crew::tell_ticket_keys(const Member& member) const {
  if (!ticket_keys_) return;
  const auto& keys = ticket_keys_->keys();
  tell(member,
       word(verbs::kTicketKeys).set("keys", std::string(keys.begin(), keys.end())));
}

std::optional<base::Fd> Crew::start_due() {
  const auto now = base::Clock::now();
  for (Member& member : members_) {
    if (stopping_ || !member.start_at || *member.start_at > now) continue;
    member.start_at.reset();
    if (auto control = start(member)) return control;
  }
  return std::nullopt;
}

/// In the new process: its channel.
std::optional<base::Fd> Crew::start(Member& member) {
  auto control = base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no);
  auto inbox = base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no);
  const pid_t pid = control && inbox ? ::fork() : -1;
  if (pid == 0) {
    base::Fd own = std::move(control->second);
    members_.clear();
    sockets_.clear();
    const sigset_t set = watched_signals();
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
    return own;
  }
  member.began = base::Clock::now();
  if (pid < 0) {
    log_.error("router: a process cannot be started");
    member.start_at = member.began + kGoodLife;
    return std::nullopt;
  }
  member.pid = pid;
  member.control = std::move(control->first);
  member.inbox = std::move(inbox->second);
  log_.info("router: spawned pid={}", pid);
  const char* helper = &member == members_.data() ? "" : "1";
  for (const CrewSocket& socket : sockets_)
    tell(member, word(verbs::kListen).set("kind", socket.kind).set("helper", helper),
         socket.socket.get());
  tell_ticket_keys(member);
  introduce(member, std::move(inbox->first));
  return std::nullopt;
}

void Crew::tell_others(const Member& member, const wire::Message& message, int fd) {
  for (const Member& other : members_)
    if (&other != &member && other.pid != 0) tell(other, message, fd);
}

void Crew::introduce(Member& member, base::Fd inbox) {
  member.serial = ++last_serial_;
  wire::Message own = word(verbs::kSibling).set("serial", member.serial);
  tell_others(member, own, member.inbox.get());
  tell(member, own.set("own", "1"), inbox.get());
  wire::Message synced = word(verbs::kSynced);
  for (const Member& other : members_) {
    if (&other == &member || other.pid == 0) continue;
    tell(member, word(verbs::kSibling).set("serial", other.serial), other.inbox.get());
    if (other.up) synced.set("teller", other.serial);
  }
  tell(member, synced);
}

void Crew::wait() {
  std::vector<pollfd> watched{{signals_.get(), POLLIN, 0}};
  std::optional<base::Instant> next;
  if (ticket_keys_) next = ticket_keys_->due();
  for (const Member& member : members_) {
    if (member.control) watched.push_back({member.control.get(), POLLIN, 0});
    if (!stopping_ && member.start_at && (!next || *member.start_at < *next))
      next = member.start_at;
  }
  int timeout = -1;
  if (next) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max<base::Duration>(*next - base::Clock::now(), 0ms));
    timeout = static_cast<int>(left.count());
  }
  if (::poll(watched.data(), watched.size(), timeout) <= 0) return;
  for (Member& member : members_)
    hear(member);
  on_signals();
}

void Crew::hear(Member& member) {
  while (member.control) {
    const ssize_t size =
        ::recv(member.control.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    if (const auto message =
            wire::decode_message({buffer_.data(), static_cast<size_t>(size)}))
      on_message(member, *message);
  }
}

/// Whoever is asked for figures asks for those of the others; they answer through us.
void Crew::on_message(Member& member, const wire::Message& message) {
  const auto serial = message.number("serial");
  if (message.verb == verbs::kUp) {
    member.up = true;
  } else if (message.verb == verbs::kAskFigures && serial) {
    uint64_t count = 0;
    for (const Member& other : members_) {
      if (&other == &member || other.pid == 0) continue;
      tell(other, word(verbs::kAskFigures)
                      .set("serial", *serial)
                      .set("asker", static_cast<uint64_t>(member.pid)));
      ++count;
    }
    tell(member, word(verbs::kAsked).set("serial", *serial).set("count", count));
  } else if (message.verb == verbs::kFigures) {
    const auto asker = message.number("asker");
    for (const Member& other : members_)
      if (asker && other.pid != 0 && static_cast<uint64_t>(other.pid) == *asker)
        tell(other, message);
  }
}

void Crew::on_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    const auto signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      reap();
    } else if (signal == SIGUSR1) {
      for (const Member& member : members_)
        if (member.pid != 0) ::kill(member.pid, SIGUSR1);
    } else {
      stopping_ = true;
      for (const Member& member : members_)
        tell(member, word(verbs::kDrain));
    }
  }
}

void Crew::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto member = std::ranges::find(members_, pid, &Member::pid);
    if (member == members_.end()) continue;
    const auto now = base::Clock::now();
    const auto end = base::ExitStatus::from_wait(status);
    if (!stopping_ || !end.success())
      log_.warn("router: ended pid={} reason=\"{}\"", pid, end.describe());
    member->start_at = now - member->began < kGoodLife ? now + kGoodLife : now;
    member->pid = 0;
    member->up = false;
    tell_others(*member, word(verbs::kSiblingGone).set("serial", member->serial));
    member->control.reset();
    member->inbox.reset();
  }
}

}  // namespace

std::optional<base::Fd> run_crew(unsigned processes,
                                 std::vector<CrewSocket> sockets,
                                 base::Log& log) {
  return Crew(processes, std::move(sockets), log).run();
}

}  // namespace router
