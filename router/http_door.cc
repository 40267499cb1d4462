#include "router/http_door.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "router/peer_address.h"

namespace router {

void HttpDoor::arrived(base::Fd connection, base::Instant when) {
  const int yes = 1;  // refused by unix sockets, which never wait for more to send
  ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  services_.sessions.spawn(host(std::move(connection), when));
}

uvx::Task<void> HttpDoor::host(base::Fd connection, base::Instant when) {
  HttpPeers peers = peers_of(connection.get());
  peers.trusted = services_.options.trusted_proxies.contains(peers.remote_address);
  auto client = std::make_unique<PlainStream>(services_.loop, std::move(connection));
  HttpSession session(services_, std::move(client), std::move(peers), when);
  sessions_.insert(&session);
  services_.http_sessions = sessions_.size();
  if (finishing_) session.finish_soon();
  co_await session.serve();
  sessions_.erase(&session);
  services_.http_sessions = sessions_.size();
}

void HttpDoor::finish_soon() {
  finishing_ = true;
  for (HttpSession* session : sessions_)
    session->finish_soon();
}

}  // namespace router
