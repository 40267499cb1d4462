#include "router/http_door.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace router {

void HttpDoor::arrived(base::Fd connection, base::Instant when) {
  const int yes = 1;  // refused by unix sockets, which never wait for more to send
  ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  services_.sessions.spawn(host(std::move(connection), when));
}

uvx::Task<void> HttpDoor::host(base::Fd connection, base::Instant when) {
  HttpSession session(services_, std::move(connection), when);
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
