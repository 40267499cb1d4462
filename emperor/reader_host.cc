#include "emperor/reader_host.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/fd_passing.h"
#include "vassal/settings_codec.h"

namespace emperor {

namespace {

struct Request {
  std::vector<std::string> paths;
  uid_t uid = 0;
  gid_t gid = 0;
  base::Links links = base::Links::refuse;
};

std::string encode(const Request& request) {
  vassal::Encoder e;
  e.number(request.uid);
  e.number(request.gid);
  e.number(request.links == base::Links::follow ? 1 : 0);
  e.number(request.paths.size());
  for (const auto& path : request.paths)
    e.text(path);
  return e.take();
}

std::optional<Request> decode(int memfd) {
  struct stat s{};
  if (::fstat(memfd, &s) != 0) return std::nullopt;
  std::string bytes(static_cast<size_t>(s.st_size), '\0');
  if (::pread(memfd, bytes.data(), bytes.size(), 0) != s.st_size) return std::nullopt;
  vassal::Decoder d(bytes);
  Request request;
  request.uid = static_cast<uid_t>(d.number_up_to(UINT32_MAX));
  request.gid = static_cast<gid_t>(d.number_up_to(UINT32_MAX));
  request.links = d.number() != 0 ? base::Links::follow : base::Links::refuse;
  for (size_t n = d.count(); n > 0; --n)
    request.paths.push_back(d.text());
  if (!d.finished()) return std::nullopt;
  return request;
}

void serve(const base::Received& received, vassal::ReadOptions options) {
  if (received.fds.size() != 2) return;
  const auto request = decode(received.fds[0].get());
  if (!request) return;
  options.links = request->links;
  // A failure is the end of the pipe without a result.
  (void)vassal::fork_reader(request->paths, request->uid, request->gid, options,
                            received.fds[1].get());
}

[[noreturn]] void be_host(int socket, const vassal::ReadOptions& options) {
  // Of the emperor's descriptors, handlers and children none is ours.
  if (::dup2(socket, 3) != 3) ::_exit(126);
  ::syscall(SYS_close_range, 4U, ~0U, 0U);
  for (const int s : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE})
    ::signal(s, SIG_IGN);
  ::signal(SIGCHLD, SIG_IGN);  // readers are collected by the kernel
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::array<char, 16> word;
  for (;;) {
    pollfd wait{3, POLLIN, 0};
    ::poll(&wait, 1, -1);
    const auto received = base::receive_with_fds(3, word);
    if (received && received->size == 0) ::_exit(0);
    if (received)
      serve(*received, options);
    else if (!received.error().is(std::errc::resource_unavailable_try_again))
      ::_exit(1);
  }
}

}  // namespace

base::Result<ReaderHost> ReaderHost::start(const vassal::ReadOptions& options) {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  // A signal that came to the child before it has its own handlers would act on ours.
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) be_host(pair.second.get(), options);
  const int error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return base::fail(error, "fork the host of the readers");
  ReaderHost host;
  host.socket_ = std::move(pair.first);
  host.pid_ = pid;
  return host;
}

ReaderHost::ReaderHost(ReaderHost&& other) noexcept
    : socket_(std::move(other.socket_)), pid_(std::exchange(other.pid_, -1)) {}

ReaderHost& ReaderHost::operator=(ReaderHost&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(pid_, other.pid_);
  return *this;
}

ReaderHost::~ReaderHost() {
  socket_.reset();
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

base::Result<base::Fd> ReaderHost::read(const std::vector<std::string>& paths,
                                        uid_t uid,
                                        gid_t gid,
                                        base::Links links) const {
  if (!socket_) return base::fail("no host of readers");
  TRY_ASSIGN(auto pipe, base::make_pipe());
  TRY(base::set_blocking(pipe.first.get(), base::Blocking::no));
  TRY_ASSIGN(const auto memfd, base::make_memfd("paths"));
  TRY(base::write_all(memfd.get(), encode({paths, uid, gid, links})));
  const std::array<int, 2> fds{memfd.get(), pipe.second.get()};
  TRY(base::send_with_fds(socket_.get(), "read", fds));
  return std::move(pipe.first);
}

}  // namespace emperor
