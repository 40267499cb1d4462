// Served: one request that ended in the router, and what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "router/refusal.h"
#include "router/route_table.h"

namespace router {

enum class Outcome : uint8_t {
  handed_over,  ///< its vassal has the connection and answers
  relayed,      ///< its answer went through the router
  refused,      ///< the router answered by itself
};

/// Views must hold during the call only; what is not known stays empty.
struct Served {
  std::string_view door = {};  ///< "uwsgi", "http" or "https"
  std::string_view host = {};  ///< normalised; empty: it did not get that far
  std::optional<VassalId> vassal = std::nullopt;
  std::string_view node = {};  ///< address of the one that answered or failed
  Outcome outcome = Outcome::handed_over;
  int status = 0;                    ///< of the answer; 0: the vassal's own log knows
  const Refusal* refusal = nullptr;  ///< why it was refused
  /// The uwsgi packet of the request, header and block at least, if there is one. Gives
  /// the log what of the following is empty:
  std::string_view packet = {};
  std::string_view method = {};
  std::string_view target = {};
  std::string_view protocol = {};  ///< "HTTP/1.1"
  std::string_view client = {};    ///< its address
  std::string_view user = {};      ///< as the front authenticated it
  std::string_view referer = {};
  std::string_view user_agent = {};
  uint64_t received = 0;  ///< bytes of the request's body that passed
  uint64_t sent = 0;      ///< and of the answer's
  base::Instant arrived = {};
  std::optional<base::Instant> connected = std::nullopt;   ///< to a worker or node
  std::optional<base::Instant> first_byte = std::nullopt;  ///< of the answer
  std::optional<base::Instant> ended = std::nullopt;
};

/// `served` with what its packet says in the fields that were empty.
Served with_packet(Served served);

/// "vassal", or "node 127.0.0.1:3031" if one was asked; empty if nothing was refused.
/// Printable.
std::string hop_text(const Served& served);

}  // namespace router
