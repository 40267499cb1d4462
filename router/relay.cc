#include "router/relay.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "router/node_address.h"
#include "router/transfer.h"

namespace router {

namespace {

using namespace std::chrono_literals;

constexpr size_t kBuffer = 64 * 1024;
/// A unix socket whose backlog is full says so at once and cannot be waited for.
constexpr base::Duration kBacklogRetry = 5ms;

/// A connection that was made, or why not.
uvx::Task<base::Result<base::Fd>> connect_to(uvx::Loop& loop,
                                             std::string_view text,
                                             base::Deadline deadline) {
  const auto address = parse_node_address(text);
  if (!address) co_return std::unexpected(address.error());
  base::Fd socket(::socket(address->storage.ss_family,
                           SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return base::fail_errno("socket for a node");
  while (::connect(socket.get(), address->get(), address->size) != 0) {
    if (errno == EINPROGRESS) {
      uvx::Poll poll(loop, socket.get());
      if (auto ready = co_await poll.writable(deadline); !ready)
        co_return std::unexpected(ready.error());
      int error = 0;
      socklen_t size = sizeof(error);
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) co_return base::fail(error, "connect");
      break;
    }
    if (errno != EAGAIN || deadline.passed()) co_return base::fail_errno("connect");
    static_cast<void>(co_await loop.sleep_for(kBacklogRetry));
  }
  co_return socket;
}

/// Both connections of a request, while bytes flow.
class Flow {
 public:
  Flow(uvx::Loop& loop, int client, int node, base::Duration patience)
      : loop_(loop),
        client_(client),
        node_(node),
        client_poll_(loop, client),
        node_poll_(loop, node),
        patience_(patience) {}

  /// Sends `head` to the node, then everything both ways until the node has finished.
  /// True if the client got anything.
  uvx::Task<bool> run(std::string_view head) {
    uvx::TaskGroup upwards(loop_);
    upwards.spawn(send_up(this, head));
    co_await answer();
    client_poll_.close();
    node_poll_.close();
    co_await upwards.join();
    co_return answered_;
  }
  bool timed_out() const { return timed_out_; }

 private:
  static uvx::Task<void> send_up(Flow* self, std::string_view head) {
    auto sent = co_await send_all(self->node_poll_, self->node_, head, self->patience_);
    if (sent)
      co_await self->copy(self->client_poll_, self->client_, self->node_poll_,
                          self->node_, nullptr);
    ::shutdown(self->node_, SHUT_WR);
  }
  uvx::Task<void> answer() {
    co_await copy(node_poll_, node_, client_poll_, client_, &answered_);
  }

  uvx::Task<void> copy(
      uvx::Poll& from_poll, int from, uvx::Poll& to_poll, int to, bool* any) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
    for (;;) {
      const auto received = co_await receive(from_poll, from, {buffer.get(), kBuffer},
                                             base::Deadline(moved_ + patience_));
      if (!received && received.error().is(std::errc::timed_out)) {
        // The other direction may have moved meanwhile: only silence of both counts.
        if (base::Clock::now() < moved_ + patience_) continue;
        timed_out_ = true;
      }
      if (!received || *received == 0) co_return;
      moved_ = base::Clock::now();
      const auto sent =
          co_await send_all(to_poll, to, {buffer.get(), *received}, patience_);
      if (!sent) co_return;
      moved_ = base::Clock::now();
      if (any != nullptr) *any = true;
    }
  }

  uvx::Loop& loop_;
  int client_;
  int node_;
  uvx::Poll client_poll_;
  uvx::Poll node_poll_;
  base::Duration patience_;
  base::Instant moved_ = base::Clock::now();
  bool answered_ = false;
  bool timed_out_ = false;
};

/// A want of this process or machine, of which the node knows nothing.
bool is_our_own(const base::Error& error) {
  for (const auto code :
       {std::errc::too_many_files_open, std::errc::too_many_files_open_in_system,
        std::errc::no_buffer_space, std::errc::not_enough_memory,
        std::errc::address_not_available, std::errc::operation_canceled})
    if (error.is(code)) return true;
  return false;
}

void refuse(Services& services, RelayRequest& request, const Refusal& refusal) {
  services.ledger.note({.door = "uwsgi",
                        .host = request.query.host,
                        .node = request.node->address,
                        .outcome = Outcome::refused,
                        .status = refusal.status,
                        .refusal = &refusal,
                        .packet = request.bytes,
                        .arrived = request.arrived});
  services.turn_away(std::move(request.client), refusal, request.query.host);
}

}  // namespace

uvx::Task<void> relay(Services& services, RelayRequest request) {
  const base::Duration patience = services.options.request_timeout;
  bool ours_failed = false;
  for (unsigned tries = 0;; ++tries) {
    if (tries > 0) {
      auto finding = services.finder.find(request.query, tries, base::Clock::now());
      if (!finding.node) break;
      request.node = *std::move(finding.node);
    }
    Node& node = *request.node;
    const auto connection =
        co_await connect_to(services.loop, node.address, base::Deadline::in(patience));
    if (!connection && is_our_own(connection.error())) {
      services.log.error("node {}: not asked reason=\"{}\"",
                         base::printable(node.address), connection.error().message());
      ours_failed = true;
      break;
    }
    if (!connection) {
      services.finder.failed(node, base::Clock::now());
      // An address that a host's name was made into need not be anybody's.
      if (node.kind != Node::Kind::mapped)
        services.log.warn("node {}: unreachable key={} reason=\"{}\" failures={}",
                          base::printable(node.address), request.query.host,
                          connection.error().message(), node.failures);
      continue;
    }
    request.bytes[0] = static_cast<char>(node.modifier1);
    request.bytes[3] = static_cast<char>(node.modifier2);
    bool answered = false;
    bool timed_out = false;
    {
      Flow flow(services.loop, request.client.get(), connection->get(), patience);
      answered = co_await flow.run(request.bytes);
      timed_out = flow.timed_out();
    }
    if (!answered)
      refuse(services, request, timed_out ? refusals::kNoAnswer : refusals::kBadAnswer);
    else
      services.ledger.note({.door = "uwsgi",
                            .host = request.query.host,
                            .node = request.node->address,
                            .outcome = Outcome::relayed,
                            .packet = request.bytes,
                            .arrived = request.arrived,
                            .ended = base::Clock::now()});
    co_return;
  }
  refuse(services, request, ours_failed ? refusals::kBusy : refusals::kNoNode);
}

}  // namespace router
