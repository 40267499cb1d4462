// What comes next of a client's body.
#pragma once

#include <optional>

#include "router/client.h"
#include "router/scratch.h"

namespace router {

/// One step further in a body; on failure there is no next one.
struct BodyPiece {
  size_t size = 0;  ///< decoded bytes, at the front of the scratch
  std::optional<Refusal> refusal = std::nullopt;
  bool gone = false;         ///< the client left before its end
  bool interrupted = false;  ///< by Stream::interrupt()

  bool good() const { return !refusal && !gone && !interrupted; }
};

/// Waits for it for `patience`. Not once the body is over.
uvx::Task<BodyPiece> receive_body(Client& client,
                                  Scratch& scratch,
                                  base::Duration patience);

}  // namespace router
