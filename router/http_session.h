// HttpSession: one client connection that speaks HTTP/1.1, request after request.
//
// Each request becomes a uwsgi packet. For a vassal the router keeps one end of a fresh
// socketpair and hands the other to a worker with the packet; a request that is whole
// already needs only the way back: a pipe, which costs half as much, and through which a
// worker cannot send descriptors. A node gets it in its own protocol. Either way an
// Exchange moves the body there and the answer back.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "router/exchange.h"
#include "router/http_client.h"
#include "router/http_message.h"
#include "router/http_request.h"
#include "router/services.h"

namespace router {

struct RelayRequest;

class HttpSession {
 public:
  HttpSession(Services& services,
              std::unique_ptr<Stream> client,
              HttpPeers peers,
              base::Instant arrived);
  ~HttpSession() { set_between_requests(false); }
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  /// Serves until the client or a timeout ends it.
  uvx::Task<void> serve();
  /// Ends it now if no request is under way, else after the one that is (the router
  /// drains).
  void finish_soon();
  /// Since when it waits for a request; nothing while there is one.
  std::optional<base::Instant> idle_since() const {
    return between_requests_ ? std::optional(arrived_) : std::nullopt;
  }

 private:
  enum class Next { request, close };

  /// Reads until the head of the next request is whole: it stands in head_ then, and what
  /// came behind it in in_. False: answered or left, close.
  uvx::Task<bool> read_head(HttpMessage& message);
  /// One piece more of it. False: answered or left.
  uvx::Task<bool> receive_head(base::Deadline deadline);
  void split_head(HttpMessage& message);
  uvx::Task<Next> serve_request(HttpMessage& message);
  uvx::Task<ExchangeResult> by_worker(VassalId id,
                                      HttpClient& client,
                                      RelayRequest& request,
                                      std::string_view begun);
  /// What the exchange leaves to be done on the connection.
  uvx::Task<Next> conclude(const ExchangeResult& result,
                           const HttpClient& client,
                           Served served);
  Served asked() const;
  uvx::Task<Next> refuse(Refusal refusal);
  uvx::Task<Next> refuse(Refusal refusal, Served asked);
  void set_between_requests(bool between);

  Services& services_;
  std::unique_ptr<Stream> client_;
  HttpPeers peers_;
  base::Instant arrived_;
  std::string in_;    // received and not yet consumed
  std::string head_;  // of the request under way
  std::string host_;  // of it, for pages and log
  std::optional<VassalId> vassal_;
  PageBody page_ = PageBody::sent;
  bool between_requests_ = false;
  bool finishing_ = false;
};

}  // namespace router
