// RouterWorld: a real Router on a real loop, an emperor's channel, and vassals whose
// workers are the test itself. Clients come through real listening sockets. At its end
// nothing may be left: no handle (the loop checks), no descriptor.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "base/fd_passing.h"
#include "base/wire/router_control.h"
#include "base/wire/uwsgi_packet.h"
#include "router/router.h"

namespace router_test {

namespace verbs = wire::router_control;
using namespace std::chrono_literals;

/// As in the program: a write into a pipe that the router has left fails, no more.
[[maybe_unused]] inline const auto kNoPipeSignal = std::signal(SIGPIPE, SIG_IGN);

inline size_t open_descriptors() {
  using std::filesystem::directory_iterator;
  return static_cast<size_t>(
      std::distance(directory_iterator("/proc/self/fd"), directory_iterator()));
}

/// One end of a connection, used without waiting.
class Peer {
 public:
  explicit Peer(base::Fd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  void send(std::string_view bytes) {
    // A peer that has closed is a case of its own: the test looks at what it reads.
    if (write(bytes.data(), bytes.size()) < 0) return;
  }
  ssize_t write(const char* bytes, size_t size) {
    const ssize_t n = ::send(fd_.get(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 && errno == ENOTSOCK ? ::write(fd_.get(), bytes, size) : n;
  }
  /// Everything that came so far; at_end() tells whether there will be more.
  const std::string& received() {
    std::array<char, 65536> buffer;
    ssize_t n;
    while ((n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
      received_.append(buffer.data(), static_cast<size_t>(n));
    // Nothing ever comes through the writing end of a pipe.
    if (n == 0 || (n < 0 && errno == ENOTSOCK)) at_end_ = true;
    if (n < 0 && errno != EAGAIN && errno != ENOTSOCK) at_end_ = broken_ = true;
    return received_;
  }
  bool at_end() {
    received();
    return at_end_;
  }
  bool broken() const { return broken_; }
  /// Takes what came, so that the next look starts anew.
  std::string take() {
    received();
    return std::exchange(received_, {});
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

 private:
  base::Fd fd_;
  std::string received_;
  bool at_end_ = false;
  bool broken_ = false;
};

/// What a worker took from its handoff channel.
struct Taken {
  wire::HandoffHeader header;
  std::string payload;
  Peer peer;

  std::string variable(std::string_view key) const {
    const auto packet = wire::decode_header(payload);
    wire::VarReader vars(
        std::string_view(payload).substr(wire::kPacketHeader, packet->size));
    while (const auto var = vars.next())
      if (var->key == key) return std::string(var->value);
    return "(none)";
  }
  std::string body() const {
    return payload.substr(wire::decode_header(payload)->total());
  }
};

inline std::string packet(std::map<std::string, std::string> vars,
                          std::string body = "") {
  wire::PacketBuilder builder;
  for (const auto& [key, value] : vars)
    builder.add(key, value);
  return builder.bytes() + body;
}

class RouterWorld {
 public:
  /// `http`: descriptors that HTTP sessions may hold.
  explicit RouterWorld(router::Options options = {}, size_t http = 4096)
      : options_(std::move(options)) {
    capacity_.http = http;
    std::signal(SIGPIPE, SIG_IGN);  // as a worker and a router do
    auto channel = base::make_socketpair(SOCK_SEQPACKET).value();
    emperor_ = std::move(channel.first);
    router_.emplace(loop_, log_, options_, capacity_, std::move(channel.second));
    tasks_.spawn(router_->run());
    listen("uwsgi");
    listen("http");
    settle();
  }

  ~RouterWorld() {
    workers_.clear();
    if (router_) {
      router_->drain();
      router_->drain();
      loop_.run(tasks_.join());
    }
  }

  // ---- as the emperor

  void tell(wire::Message message, std::vector<int> fds = {}) {
    const auto sent =
        base::send_with_fds(emperor_.get(), wire::encode(message).value(), fds);
    CHECK(sent.has_value());
    settle();
  }
  /// A vassal with a fresh channel; again with the same id: a new channel.
  void vassal(uint64_t id, std::map<std::string, uint64_t> figures = {}) {
    auto channel = base::make_socketpair(SOCK_SEQPACKET).value();
    wire::Message message{verbs::kVassal, {}};
    message.set("id", id).set("name", "v" + std::to_string(id));
    for (const auto& [key, value] : figures)
      message.set(key, value);
    tell(message, {channel.first.get(), channel.second.get()});
    workers_[id] = std::move(channel.second);
    senders_[id] = std::move(channel.first);
  }
  void route(const std::string& host, uint64_t id) {
    tell(wire::Message{verbs::kRoute, {}}.set("host", host).set("id", id));
  }
  void remove(uint64_t id) { tell(wire::Message{verbs::kRemove, {}}.set("id", id)); }
  void state(uint64_t id, std::string state, uint64_t retry_after = 0) {
    tell(wire::Message{verbs::kState, {}}
             .set("id", id)
             .set("state", std::move(state))
             .set("retry-after", retry_after));
  }
  void synced() { tell({verbs::kSynced, {}}); }
  /// The next message of the router to the emperor.
  std::optional<wire::Message> heard() {
    std::array<char, 65540> buffer;
    settle();
    const auto received = base::receive_with_fds(emperor_.get(), buffer);
    if (!received || received->size == 0) return std::nullopt;
    return wire::decode_message({buffer.data(), received->size});
  }
  /// One vassal "a.example" with id 1, and accepting.
  void one_site(std::map<std::string, uint64_t> figures = {}) {
    vassal(1, std::move(figures));
    route("a.example", 1);
    synced();
  }

  // ---- as a client

  Peer connect(const std::string& door) {
    base::Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto& [address, size] = addresses_.at(door);
    CHECK(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size) ==
          0);
    return Peer(std::move(client));
  }
  Peer nginx(std::string_view bytes) {
    Peer peer = connect("uwsgi");
    peer.send(bytes);
    settle();
    return peer;
  }
  Peer browser(std::string_view bytes = {}) {
    Peer peer = connect("http");
    peer.send(bytes);
    settle();
    return peer;
  }

  // ---- as a worker

  std::optional<Taken> take(uint64_t id = 1) {
    settle();
    std::vector<char> buffer(wire::kMaxHandoff);
    auto received = base::receive_with_fds(workers_.at(id).get(), buffer);
    if (!received || received->fds.size() != 1) return std::nullopt;
    const std::string_view message(buffer.data(), received->size);
    const auto header = wire::decode_handoff(message);
    REQUIRE(header);
    return Taken{*header, std::string(message.substr(wire::kHandoffHeader)),
                 Peer(std::move(received->fds.front()))};
  }
  int worker_end(uint64_t id) const { return workers_.at(id).get(); }

  // ---- time

  /// Runs until nothing is left to do without waiting.
  void settle() {
    for (int i = 0; i < 6; ++i)
      loop_.run_ready();
  }
  /// One turn only: for tests that leave in the middle of something.
  void turn() { loop_.run_ready(); }
  template <class F>
  bool until(F&& happened) {
    const auto end = base::Clock::now() + 10s;
    while (base::Clock::now() < end) {
      settle();
      if (happened()) return true;
      static_cast<void>(loop_.run(loop_.sleep_for(1ms)));
    }
    return false;
  }
  router::Router& router() { return *router_; }
  /// Ends the emperor's side of the channel.
  void emperor_dies() {
    emperor_.reset();
    settle();
  }

 private:
  void listen(const std::string& kind) {
    base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un any{};
    any.sun_family = AF_UNIX;  // without a name: the kernel finds an abstract one
    CHECK(::bind(socket.get(), reinterpret_cast<sockaddr*>(&any),
                 sizeof(any.sun_family)) == 0);
    CHECK(::listen(socket.get(), 4096) == 0);
    sockaddr_un address{};
    socklen_t size = sizeof(address);
    CHECK(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    addresses_[kind] = {address, size};
    tell(wire::Message{verbs::kListen, {}}.set("kind", kind), {socket.get()});
  }

  router::Options options_;
  router::Capacity capacity_{
      .descriptors = 8192, .http = 4096, .parked = 4096, .belt = 64};
  base::Log log_ = base::Log::silent();
  uvx::Loop loop_;
  uvx::TaskGroup tasks_{loop_};
  base::Fd emperor_;
  std::optional<router::Router> router_;
  std::map<std::string, std::pair<sockaddr_un, socklen_t>> addresses_;
  std::map<uint64_t, base::Fd> workers_;
  std::map<uint64_t, base::Fd> senders_;
};

/// Checks at the end of a test that it left no descriptor open.
struct LeakGuard {
  // The first loop of a process opens a pipe for signals that stays.
  bool warm = (uvx::Loop(), true);
  size_t before = open_descriptors();
  ~LeakGuard() { CHECK(open_descriptors() == before); }
};

}  // namespace router_test
