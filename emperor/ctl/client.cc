#include "emperor/ctl/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/fd.h"
#include "base/process.h"

namespace emperor::ctl {

namespace {

base::Result<base::Fd> connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return base::fail(ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
      0)
    return base::fail_errno("no emperor answers at " + path);
  return fd;
}

}  // namespace

base::Result<std::string> ask(const std::string& path, const std::string& request_line) {
  TRY_ASSIGN(const auto fd, connect(path));
  TRY(base::write_all(fd.get(), request_line + "\n"));
  std::string answer;
  std::array<char, 65536> buffer;
  while (answer.find('\n') == answer.npos) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("read from " + path);
    if (n == 0) return base::fail("the emperor ended before it answered");
    answer.append(buffer.data(), static_cast<size_t>(n));
  }
  return answer.substr(0, answer.find('\n'));
}

base::Result<> ask_for_text(const std::string& path,
                            const std::string& request_line,
                            const std::function<bool(std::string_view)>& take) {
  TRY_ASSIGN(const auto fd, connect(path));
  TRY(base::write_all(fd.get(), request_line + "\n"));
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("read from " + path);
    if (n == 0) return {};
    if (!take({buffer.data(), static_cast<size_t>(n)})) return {};
  }
}

bool wait_for_end(int pid, int seconds) {
  const auto process = base::Pidfd::open(pid);
  if (!process) return true;
  pollfd wait{process->fd(), POLLIN, 0};
  return ::poll(&wait, 1, seconds * 1000) == 1;
}

}  // namespace emperor::ctl
