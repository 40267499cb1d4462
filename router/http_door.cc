#include "router/http_door.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "router/peer_address.h"
#include "router/proxy_greeting.h"
#include "router/tls_stream.h"
#include "router/transfer.h"

namespace router {

namespace {

constexpr size_t kMostPerPeer = 256;
constexpr base::Duration kSayAgain = std::chrono::seconds(10);

/// For those who are not waited for.
void answer_at_once(int connection, const Refusal& refusal) {
  // What was sent already is read, or closing would take the answer back.
  std::array<char, 4096> request;
  static_cast<void>(try_receive(connection, request));
  static_cast<void>(try_send(connection, error_page(refusal)));
  ::shutdown(connection, SHUT_WR);
}

}  // namespace

void HttpDoor::arrived(base::Fd connection, base::Instant when) {
  const int yes = 1;  // refused by unix sockets, which never wait for more to send
  ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  services_.sessions.spawn(host(std::move(connection), when));
}

uvx::Task<void> HttpDoor::host(base::Fd connection, base::Instant when) {
  ++services_.http_sessions;
  co_await receive_visitor(std::move(connection), when);
  --services_.http_sessions;
}

uvx::Task<void> HttpDoor::receive_visitor(base::Fd connection, base::Instant when) {
  const base::Deadline deadline(when + services_.options.head_patience());
  HttpPeers peers = peers_of(connection.get());
  if (peers.gone) co_return;
  peers.secure = tls_ != nullptr;
  const bool has_proxy =
      services_.options.proxy_protocol_from.contains(peers.remote_address);
  if (has_proxy && !co_await hear_proxy(connection, peers, deadline)) co_return;
  const auto place = admit(peers);
  if (!place) co_return turn_away(connection.get(), peers);
  peers.trusted = trusts(peers);
  auto stream = tls_ == nullptr
                    ? std::make_unique<PlainStream>(services_.loop, std::move(connection))
                    : co_await encrypt(std::move(connection), peers, deadline);
  if (!stream) co_return;
  if (!has_room()) make_room();
  HttpSession session(services_, std::move(stream), std::move(peers), when);
  sessions_.insert(&session);
  if (finishing_) session.finish_soon();
  co_await session.serve();
  sessions_.erase(&session);
}

uvx::Task<bool> HttpDoor::hear_proxy(base::Fd& connection,
                                     HttpPeers& peers,
                                     base::Deadline deadline) {
  PlainStream stream(services_.loop, std::move(connection));
  newcomers_.insert(&stream);
  const auto header = co_await receive_proxy_header(stream, deadline);
  newcomers_.erase(&stream);
  connection = stream.release();
  if (!header) {
    services_.log.debug("http: peer={} reason=\"{}\"", peers.remote_address,
                        header.error().message());
    co_return false;
  }
  if (!header->known) co_return true;
  peers.remote_address = header->source_address;
  peers.remote_port = header->source_port;
  if (!header->destination_port.empty()) peers.server_port = header->destination_port;
  co_return true;
}

uvx::Task<std::unique_ptr<Stream>> HttpDoor::encrypt(base::Fd connection,
                                                     const HttpPeers& peers,
                                                     base::Deadline deadline) {
  auto stream = std::make_unique<TlsStream>(services_.loop, std::move(connection), *tls_);
  newcomers_.insert(stream.get());
  const auto done = co_await stream->handshake(deadline);
  newcomers_.erase(stream.get());
  if (done) co_return std::unique_ptr<Stream>(std::move(stream));
  services_.log.debug("https: peer={} reason=\"{}\"", peers.remote_address,
                      done.error().message());
  if (stream->spoke_http()) answer_at_once(stream->fd(), refusals::kPlainHttp);
  co_return nullptr;
}

void HttpDoor::make_room() {
  std::vector<std::pair<base::Instant, HttpSession*>> idle;
  for (HttpSession* session : sessions_)
    if (const auto since = session->idle_since()) idle.emplace_back(*since, session);
  // Some more than one, so that not every newcomer looks through all.
  const size_t leave = std::min(idle.size(), 1 + sessions_.size() / 16);
  std::ranges::partial_sort(idle, idle.begin() + static_cast<ptrdiff_t>(leave), {},
                            &std::pair<base::Instant, HttpSession*>::first);
  for (size_t i = 0; i < leave; ++i)
    idle[i].second->finish_soon();
}

bool HttpDoor::trusts(const HttpPeers& peers) const {
  return services_.options.trusted_proxies.contains(peers.remote_address);
}

std::optional<PeerCounts::Place> HttpDoor::admit(const HttpPeers& peers) {
  const Options& options = services_.options;
  const std::string& address = peers.remote_address;
  const auto given = options.connections_per_peer;
  // Nobody's own: a unix socket, or one who speaks for many.
  if (address.empty() || given == 0 || trusts(peers) ||
      options.proxy_protocol_from.contains(address) || (!given && is_loopback(address)))
    return PeerCounts::Place();
  // A session that serves has two descriptors: this is half of what there is room for.
  const size_t half = std::max<size_t>(1, services_.capacity.http / 4);
  return clients_.enter(address, given.value_or(std::min(kMostPerPeer, half)));
}

void HttpDoor::turn_away(int connection, const HttpPeers& peers) {
  if (tls_ == nullptr) answer_at_once(connection, refusals::kTooMany);
  ++turned_away_;
  const auto now = base::Clock::now();
  if (said_ != base::Instant() && now - said_ < kSayAgain) return;
  services_.log.warn("{}: too many connections of one client peer={} turned-away={}",
                     tls_ == nullptr ? "http" : "https", peers.remote_address,
                     turned_away_);
  said_ = now;
  turned_away_ = 0;
}

void HttpDoor::finish_soon() {
  finishing_ = true;
  for (Stream* newcomer : newcomers_)
    newcomer->interrupt();
  for (HttpSession* session : sessions_)
    session->finish_soon();
}

}  // namespace router
