// HttpDoor: accepted HTTP/1.1 connections, plain or under TLS, each with a session of its
// own once it is known who is there: a load balancer that is configured to must say so
// first (PROXY protocol), TLS has its handshake, and a client that has enough connections
// already is turned away before it costs anything.
#pragma once

#include <memory>
#include <optional>
#include <unordered_set>

#include "router/http_session.h"
#include "router/listener.h"
#include "router/peer_counts.h"
#include "router/services.h"
#include "router/stream.h"
#include "router/tls_context.h"

namespace router {

class HttpDoor : public Reception {
 public:
  /// `clients` is shared by all HTTP doors of a router. With `tls`, which must outlive
  /// the door, its connections are under TLS.
  HttpDoor(Services& services, PeerCounts& clients, const TlsContext* tls = nullptr)
      : services_(services), clients_(clients), tls_(tls) {}

  void arrived(base::Fd connection, base::Instant when) override;
  bool has_room() const override {
    return services_.has_room() &&
           services_.capacity.has_room_for_http(services_.occupancy());
  }
  /// No session takes another request.
  void finish_soon();

 private:
  uvx::Task<void> host(base::Fd connection, base::Instant when);
  uvx::Task<void> receive_visitor(base::Fd connection, base::Instant when);
  /// Corrects `peers` by what a load balancer says of them. False: it said nothing good.
  uvx::Task<bool> hear_proxy(base::Fd& connection,
                             HttpPeers& peers,
                             base::Deadline deadline);
  /// The same connection, encrypted; null if client and server do not agree.
  uvx::Task<std::unique_ptr<Stream>> encrypt(base::Fd connection,
                                             const HttpPeers& peers,
                                             base::Deadline deadline);
  /// Ends connections that wait for a request, the oldest first: nobody else gets in.
  void make_room();
  /// Whether its X-Forwarded-* are believed.
  bool trusts(const HttpPeers& peers) const;
  /// A place for one more of this client, or nothing.
  std::optional<PeerCounts::Place> admit(const HttpPeers& peers);
  void turn_away(int connection, const HttpPeers& peers);

  Services& services_;
  PeerCounts& clients_;
  const TlsContext* tls_;
  std::unordered_set<HttpSession*> sessions_;
  std::unordered_set<Stream*> newcomers_;  // before their first request
  bool finishing_ = false;
  size_t turned_away_ = 0;  // since that was last said
  base::Instant said_;
};

}  // namespace router
