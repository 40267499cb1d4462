// SubscriptionServer: hears subscription packets on one datagram socket (UDP or unix) for
// the registrar.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/uv/poll.h"
#include "router/registrar.h"

namespace router {

class SubscriptionServer {
 public:
  /// `socket`: from bind(). All references must outlive the server.
  SubscriptionServer(uvx::Loop& loop, base::Fd socket, Registrar& registrar);
  /// "ip:port" or a unix path, bound, with the senders' credentials asked for.
  static base::Result<base::Fd> bind(const std::string& address);

  /// Whether `socket` is the one it hears on.
  bool is_of(int socket) const { return base::same_file(socket_.get(), socket); }
  /// Hears until close().
  uvx::Task<void> run();
  void close() { poll_.close(); }

 private:
  base::Fd socket_;
  uvx::Poll poll_;
  Registrar& registrar_;
};

}  // namespace router
