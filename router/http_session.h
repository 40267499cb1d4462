// HttpSession: one client connection that speaks HTTP/1.1, request after request.
//
// For each request the router keeps one end of a fresh socketpair and hands the other to
// the vassal's worker, with the head as a uwsgi packet. It sends the body there decoded,
// and passes the answer on; both at once, each as fast as its receiver reads. A request
// that is whole already needs only the way back: a pipe, which costs half as much, and
// through which a worker cannot send descriptors.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/uv/poll.h"
#include "router/http_message.h"
#include "router/http_request.h"
#include "router/services.h"

namespace router {

class HttpSession {
 public:
  HttpSession(Services& services, base::Fd client, base::Instant arrived);
  ~HttpSession() { set_between_requests(false); }
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  /// Serves until the client or a timeout ends it.
  uvx::Task<void> serve();
  /// Ends it now if no request is under way, else after the one that is (the router
  /// drains).
  void finish_soon();

 private:
  enum class Next { request, close };
  /// What both directions of one request share.
  struct Exchange;

  /// Reads until the head of the next request is whole. False: answered or left, close.
  uvx::Task<bool> read_head(HttpMessage& message);
  /// One piece more of it. False: answered or left.
  uvx::Task<bool> receive_head(base::Deadline deadline);
  uvx::Task<Next> serve_request(HttpMessage& message);
  uvx::Task<Next> run_exchange(Exchange& exchange);
  uvx::Task<void> send_body(Exchange& exchange);
  uvx::Task<void> relay_answer(Exchange& exchange);
  /// Reads until the head of the answer is whole, into `head`. False: there is none.
  uvx::Task<bool> read_answer_head(Exchange& exchange,
                                   HttpMessage& answer,
                                   std::string& head);
  /// Sends `head`, then the body that begins with `rest`. False: it broke off.
  uvx::Task<bool> relay_body(Exchange& exchange,
                             HttpMessage& answer,
                             std::string head,
                             std::string rest);
  /// What the client's refusal to go on means: it sent too much, nonsense, or nothing.
  uvx::Task<base::Result<size_t>> receive_body(Exchange& exchange,
                                               std::span<char> buffer);
  uvx::Task<Next> refuse(Refusal refusal);

  uvx::Task<bool> to_client(Exchange& exchange, std::string_view bytes);
  /// Makes the client see an error where a mere end would look like a valid one.
  void reset_client();
  void set_between_requests(bool between);
  /// A fresh watch on the client, after close() ended the waits on the old one.
  void watch_client_anew();

  Services& services_;
  base::Fd client_;
  std::unique_ptr<uvx::Poll> poll_;
  base::Instant arrived_;
  HttpPeers peers_;
  std::string in_;                  // received and not yet consumed
  std::string host_;                // of the request under way, for pages and log
  std::optional<VassalId> vassal_;  // which it goes to
  PageBody page_ = PageBody::sent;
  bool between_requests_ = false;
  bool finishing_ = false;
};

}  // namespace router
