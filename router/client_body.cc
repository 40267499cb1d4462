#include "router/client_body.h"

namespace router {

uvx::Task<BodyPiece> receive_body(Client& client,
                                  Scratch& scratch,
                                  base::Duration patience) {
  BodyPiece piece;
  const auto received =
      co_await receive(client.stream(), scratch.room(), base::Deadline::in(patience));
  if (received && *received > 0) {
    const auto body = client.take_body(scratch.room().first(*received));
    piece.size = body.value_or(0);
    if (!body) piece.refusal = body.error();
  } else if (!received && received.error().is(std::errc::timed_out)) {
    piece.refusal = refusals::kHeadTimeout;
  } else if (!received && received.error().is(std::errc::operation_canceled)) {
    piece.interrupted = true;
  } else {
    piece.gone = true;
  }
  co_return piece;
}

}  // namespace router
