#include "emperor/listen.h"

#include <grp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace emperor {

namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it at somaxconn

base::Result<sockaddr_un> path_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return base::fail(ENAMETOOLONG, "socket path of " + std::to_string(path.size()) +
                                        " bytes (107 fit): " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

base::Result<> make_room(const std::string& path, const sockaddr_un& address, int type) {
  struct stat s{};
  if (::lstat(path.c_str(), &s) != 0) return {};
  if (!S_ISSOCK(s.st_mode)) return base::fail(path + " exists and is no socket");
  const base::Fd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return base::fail_errno("socket");
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0)
    return base::fail(EADDRINUSE, path + ": somebody answers there");
  if (::unlink(path.c_str()) != 0) return base::fail_errno("unlink " + path);
  return {};
}

base::Result<base::Fd> listen_unix(const std::string& path) {
  TRY_ASSIGN(const sockaddr_un address, path_address(path));
  TRY(make_room(path, address, SOCK_STREAM));
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::fail_errno("socket");
  // From nobody but us, until give_socket() says otherwise.
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::umask(before);
  if (bound != 0) return base::fail_errno("bind " + path);
  if (::listen(fd.get(), kBacklog) != 0) return base::fail_errno("listen " + path);
  return fd;
}

/// A socket bound to "host:port", host "" being every one.
base::Result<base::Fd> bind_ip(const std::string& text, int type) {
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  const std::string port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = type;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* node = host.empty() ? "0.0.0.0" : host.c_str();
  if (const int error = ::getaddrinfo(node, port.c_str(), &hints, &found); error != 0)
    return base::fail("address '" + text + "': " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found,
                                                                   &::freeaddrinfo);
  base::Fd fd(::socket(found->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::fail_errno("socket");
  const int on = 1;
  if (type == SOCK_STREAM)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0)
    return base::fail_errno("bind " + text);
  return fd;
}

base::Result<base::Fd> listen_tcp(const std::string& text) {
  TRY_ASSIGN(base::Fd fd, bind_ip(text, SOCK_STREAM));
  if (::listen(fd.get(), kBacklog) != 0) return base::fail_errno("listen " + text);
  return fd;
}

base::Result<base::Fd> hear_unix(const std::string& path) {
  TRY_ASSIGN(const sockaddr_un address, path_address(path));
  TRY(make_room(path, address, SOCK_DGRAM));
  base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return base::fail_errno("bind " + path);
  if (::chmod(path.c_str(), 0666) != 0) return base::fail_errno("chmod " + path);
  return fd;
}

}  // namespace

bool is_unix_path(const std::string& address) {
  return address.starts_with('/') || address.find(':') == std::string::npos;
}

base::Result<base::Fd> listen_on(const std::string& address) {
  return is_unix_path(address) ? listen_unix(address) : listen_tcp(address);
}

base::Result<base::Fd> hear_on(const std::string& address) {
  return is_unix_path(address) ? hear_unix(address) : bind_ip(address, SOCK_DGRAM);
}

bool is_own_socket(const std::string& path) {
  struct stat s{};
  return ::lstat(path.c_str(), &s) == 0 && S_ISSOCK(s.st_mode) && s.st_uid == ::geteuid();
}

base::Result<> give_socket(const std::string& path,
                           std::optional<mode_t> mode,
                           const std::string& group) {
  if (!group.empty()) {
    gid_t gid = 0;
    const char* end = group.data() + group.size();
    if (std::from_chars(group.data(), end, gid).ptr != end) {
      const struct group* entry = ::getgrnam(group.c_str());
      if (entry == nullptr)
        return base::fail("router-uwsgi-group: unknown group '" + group + "'");
      gid = entry->gr_gid;
    }
    if (::chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0)
      return base::fail_errno("chown " + path);
  }
  // A group that is given wants to connect; without either, everybody on the machine may.
  const mode_t wanted = mode.value_or(group.empty() ? 0666 : 0660);
  if (::chmod(path.c_str(), wanted) != 0) return base::fail_errno("chmod " + path);
  return {};
}

}  // namespace emperor
