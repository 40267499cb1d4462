// Exchange: one request to a backend, and its answer to the client: both directions at
// once, each as fast as its receiver reads, with one buffer for all exchanges of the
// router.
//
// The answer ends it: what is left of the body then is nobody's. A switch of protocols
// (101, RFC 9110 15.2.2) makes a tunnel of it.
#pragma once

#include <optional>
#include <span>

#include "base/uv/task_group.h"
#include "router/backend.h"
#include "router/client.h"
#include "router/patience.h"
#include "router/scratch.h"

namespace router {

struct ExchangeResult {
  enum class End {
    answered,     ///< wholly
    refused,      ///< nothing was sent to the client: it gets `refusal`
    stale,        ///< a kept connection had ended; nothing happened
    cut,          ///< some of the answer was sent, and no more will come
    client_gone,  ///< nobody is there to be answered
  };
  End end = End::cut;
  std::optional<Refusal> refusal = std::nullopt;
  int status = 0;
  bool sent_whole = false;        ///< the request, to the backend
  uint64_t received = 0;          ///< bytes of the request's body
  uint64_t sent = 0;              ///< bytes of the answer's body
  base::Instant connected = {};   ///< the request began to go to the backend
  base::Instant first_byte = {};  ///< of the answer
};

class Exchange {
 public:
  /// All must outlive it.
  Exchange(uvx::Loop& loop,
           Scratch& scratch,
           Client& client,
           Backend& backend,
           const ExchangePatience& patience);

  /// `begun`: what came of the body so far, decoded; must stay.
  uvx::Task<ExchangeResult> run(std::string_view begun);

 private:
  /// What needs no waiting: the head, and a body that is there. False: something is left.
  bool send_at_once();
  void end_request();
  uvx::Task<void> send_request();
  /// What was there of the body when the exchange began. False: the backend left.
  uvx::Task<bool> send_begun();
  uvx::Task<void> send_body();
  uvx::Task<bool> send_end();
  /// The bytes of the body in the scratch as the backend gets them, there too.
  std::string_view frame_body(size_t size);
  uvx::Task<void> relay_answer();
  /// True once the head is whole; `size` bytes of the body stand in the scratch.
  uvx::Task<bool> read_answer_head(size_t& size);
  /// Whether a wait that ended in `error` goes on.
  bool waits_on(const base::Error& error);
  void answer_failed();
  /// Whether others have a turn now: once in a while, also if there is always something
  /// to move.
  bool gives_way();
  uvx::Task<bool> relay_body();
  /// Where to receive the answer: so much of it as may go on at once.
  std::span<char> room();
  /// Waits until more may be sent to the client. False: it left.
  uvx::Task<bool> pay(size_t bytes);
  uvx::Task<bool> to_client(std::string_view bytes);
  uvx::Task<void> tunnel();
  uvx::Task<void> pass(Stream& from, Stream& to);

  uvx::Loop& loop_;
  Scratch& scratch_;
  Client& client_;
  Backend& backend_;
  const ExchangePatience& patience_;
  base::Duration spread_;
  uvx::TaskGroup sending_;
  std::string_view begun_;
  ExchangeResult result_;
  base::Instant moved_ = base::Clock::now();  // something went to the backend
  bool heard_ = false;                        // anything of the answer
  bool waits_for_client_ = false;             // for more of its body
  bool over_ = false;                         // nobody reads the body any more
  unsigned pieces_ = 0;                       // moved since others had a turn
};

}  // namespace router
