#include "emperor/ctl/subscribe.h"

#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "base/files.h"
#include "base/ssh/agent.h"
#include "base/ssh/authorized_keys.h"
#include "base/ssh/private_key.h"
#include "base/wire/subscription.h"

namespace emperor::ctl {

namespace {

/// Who signs: a key out of a file, or one of an agent's; nobody at all for a router that
/// asks for no signature.
struct Signer {
  std::optional<ssh::PrivateKey> file;
  std::string agent;  ///< its socket; empty: none
  ssh::PublicKey key;

  bool any() const { return file || !agent.empty(); }
  base::Result<std::string> sign(std::string_view text) {
    if (file) return file->sign(text);
    if (agent.empty()) return base::fail("nobody signs");
    // Anew each time: it may have been started again, and what it answers too late must
    // not be taken for the answer to the next question.
    TRY_ASSIGN(auto connected, ssh::Agent::connect(agent));
    return connected.sign(key, text);
  }
};

base::Result<ssh::PublicKey> read_public_key(const std::string& path) {
  TRY_ASSIGN(const std::string text, base::read_file(path, 64 * 1024));
  const auto parsed = ssh::parse_authorized_keys(text);
  if (parsed.keys.empty()) return base::fail(path + ": there is no public key in it");
  return parsed.keys.front().key;
}

base::Result<ssh::PublicKey> choose_key(ssh::Agent& agent, const std::string& file) {
  TRY_ASSIGN(const auto keys, agent.keys());
  if (keys.empty()) return base::fail("the ssh-agent has no ed25519 or RSA key");
  if (file.empty()) return keys.front().key;
  TRY_ASSIGN(ssh::PublicKey wanted, read_public_key(file));
  for (const auto& held : keys)
    if (held.key == wanted) return wanted;
  return base::fail("the ssh-agent has not got the key of " + file);
}

base::Result<Signer> make_signer(const SubscribeOptions& options) {
  Signer signer;
  if (options.agent) {
    const char* path = std::getenv("SSH_AUTH_SOCK");
    if (path == nullptr || *path == '\0')
      return base::fail("SSH_AUTH_SOCK is not set: no ssh-agent is known");
    signer.agent = path;
    TRY_ASSIGN(auto connected, ssh::Agent::connect(path));
    TRY_ASSIGN(signer.key, choose_key(connected, options.key));
  } else if (!options.key.empty()) {
    TRY_ASSIGN(signer.file, ssh::PrivateKey::read(options.key));
    signer.key = signer.file->public_key();
  }
  return signer;
}

base::Result<std::string> make_packet(const SubscribeOptions& options,
                                      Signer& signer,
                                      bool leave) {
  wire::Subscription packet;
  packet.key = options.host;
  packet.address = options.node;
  packet.weight = options.weight;
  packet.backup = options.backup;
  packet.leave = leave;
  packet.unix_time = static_cast<uint64_t>(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  const std::string fingerprint = signer.any() ? ssh::fingerprint(signer.key) : "";
  packet.ssh_key = fingerprint;
  if (signer.any()) packet.ssh_user = options.user;
  const auto plain = wire::encode_subscription(packet);
  if (!plain || !wire::decode_subscription(*plain))
    return base::fail("host and node have to be 1 to 255 bytes long");
  if (!signer.any()) return *plain;
  TRY_ASSIGN(const std::string signature, signer.sign(wire::ssh_signed_text(*plain)));
  const auto whole = wire::with_ssh_signature(*plain, signature);
  if (!whole) return base::fail("the packet is too long: take a shorter key");
  return *whole;
}

/// A datagram socket whose peer is the router.
base::Result<base::Fd> connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return base::fail(ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = path.starts_with('@');
  if (abstract) address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                           (abstract ? 0 : 1));
  base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return base::fail_errno("no fastrouter hears at " + path);
  return fd;
}

base::Result<base::Fd> connect_udp(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return base::fail(text + " is neither a path nor host:port");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                  text.substr(colon + 1).c_str(), &wanted, &list);
  if (error != 0) return base::fail(text + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, ::freeaddrinfo);
  base::Fd fd(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("socket");
  if (::connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0)
    return base::fail_errno("connect " + text);
  return fd;
}

/// One packet over a socket of its own: the router may have been started again.
base::Result<> send_one(const SubscribeOptions& options, Signer& signer, bool leave) {
  TRY_ASSIGN(const std::string packet, make_packet(options, signer, leave));
  const std::string& router = options.router;
  TRY_ASSIGN(const base::Fd fd, router.starts_with('/') || router.starts_with('@')
                                    ? connect_unix(router)
                                    : connect_udp(router));
  const ssize_t sent = ::send(fd.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(packet.size()))
    return base::fail_errno("send to " + router);
  return {};
}

int say(const base::Error& error) {
  std::fprintf(stderr, "emperorctl: %s\n", error.message().c_str());
  return 1;
}

/// Says again that the node is there until a signal comes; then that it leaves. What
/// cannot be sent now may be the next time.
int go_on(const SubscribeOptions& options, Signer& signer, const sigset_t& signals) {
  const timespec pause{static_cast<time_t>(options.every), 0};
  while (::sigtimedwait(&signals, nullptr, &pause) < 0)
    if (errno == EAGAIN)
      if (const auto sent = send_one(options, signer, options.leave); !sent)
        say(sent.error());
  if (const auto left = send_one(options, signer, true); !left) return say(left.error());
  return 0;
}

}  // namespace

int subscribe(const SubscribeOptions& options) {
  // An agent that ends is no reason to end without a word.
  ::signal(SIGPIPE, SIG_IGN);
  auto signer = make_signer(options);
  if (!signer) return say(signer.error());
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (options.every > 0) ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  if (const auto sent = send_one(options, *signer, options.leave); !sent) {
    const int failed = say(sent.error());
    if (options.every == 0) return failed;
  }
  return options.every == 0 ? 0 : go_on(options, *signer, signals);
}

}  // namespace emperor::ctl
