#include "emperor/log_targets.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>

#include "emperor/log_format.h"

namespace emperor {

namespace {

constexpr auto kAgain = std::chrono::seconds(1);

base::Fd connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return {};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                       sizeof(address)) != 0)
    return {};
  return fd;
}

/// Numeric only: nobody waits for a name server here.
base::Fd connect_udp(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == address.npos) return {};
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found) != 0)
    return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  base::Fd fd(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0) return {};
  return fd;
}

}  // namespace

bool LogTargets::Place::connect() {
  if (socket) return true;
  const auto now = base::Clock::now();
  if (address.empty() || now < again) return false;
  again = now + kAgain;
  socket = remote() ? connect_udp(address) : connect_unix(address);
  return static_cast<bool>(socket);
}

bool LogTargets::Place::send(std::string_view datagram) {
  // Twice: the service may have been started again since.
  for (int i = 0; i < 2 && connect(); ++i) {
    const ssize_t n = ::send(socket.get(), datagram.data(), datagram.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return true;
    if (errno == EAGAIN || errno == EMSGSIZE || errno == ENOBUFS) return false;
    socket.reset();
    again = {};
  }
  if (!socket) again = base::Clock::now() + kAgain;
  return false;
}

void LogTargets::set(const std::string& journald, const std::string& syslog) {
  if (journald != journald_.address) journald_ = {journald, {}, {}};
  if (syslog != syslog_.address) syslog_ = {syslog, {}, {}};
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) host_ = name.data();
}

bool LogTargets::to_journald(std::string_view vassal, std::string_view line) {
  return journald_.send(journald_entry(vassal, line));
}

bool LogTargets::to_syslog(std::string_view vassal,
                           std::string_view line,
                           WallClock::time_point now) {
  return syslog_.send(syslog_.remote() ? syslog_remote(host_, vassal, line, now)
                                       : syslog_local(vassal, line, now));
}

}  // namespace emperor
