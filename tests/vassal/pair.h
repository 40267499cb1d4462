// Both ends of a connection in one process: ours is the Connection, the other is the
// client's.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <string>

#include "vassal/connection.h"

struct Pair {
  explicit Pair(std::chrono::milliseconds patience = std::chrono::milliseconds(20))
      : connection(nullptr, patience, patience) {
    auto ends = base::make_socketpair(SOCK_STREAM);
    connection.take(std::move(ends->first));
    client = std::move(ends->second);
  }

  void send(std::string_view text) { (void)base::write_all(client.get(), text); }
  void end() { ::shutdown(client.get(), SHUT_WR); }
  void leave() { client.reset(); }
  /// What has arrived at the client by now.
  std::string arrived() {
    std::string text(1 << 20, '\0');
    const ssize_t n = ::recv(client.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return text;
  }

  vassal::Connection connection;
  base::Fd client;
};
