// What one router process has counted, and how it tells others: the emperor, and
// processes of the same command line. Pure.
//
// Sums over processes are made by add(). A picture takes several messages, since a packet
// is bounded; the last one says so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/wire/message.h"
#include "base/wire/tally_metrics.h"

namespace wire {

struct NodeFigures {
  uint64_t requests = 0;
  uint64_t running = 0;
  uint64_t failures = 0;
  uint64_t sent = 0;      ///< bytes to it
  uint64_t received = 0;  ///< bytes from it
};

struct RouterFigures {
  uint64_t sessions = 0;  ///< now
  Tallies hosts;          ///< those without an entry of their own stand under ""
  std::map<uint64_t, Tally> vassals;     ///< by id
  std::map<uint64_t, uint64_t> parked;   ///< requests that wait in the router, of each
  std::map<std::string, uint64_t> hits;  ///< of subscribed keys
  /// By key (empty for nodes that an option names) and address.
  std::map<std::pair<std::string, std::string>, NodeFigures> nodes;

  void add(const RouterFigures& other);
};

/// Calls `send` for each message; its verb is `verb`.
void tell(const RouterFigures& figures,
          const char* verb,
          const std::function<void(const Message&)>& send);
enum class Heard {
  more,     ///< others follow
  last,     ///< the picture is whole
  garbage,  ///< not what tell() says; `into` may hold some of it
};
/// Takes in one message of tell().
Heard hear(const Message& message, RouterFigures* into);

/// What tell() says as bytes, and back. Bytes that are not of to_bytes() give what could
/// be read of them.
std::string to_bytes(const RouterFigures& figures);
RouterFigures figures_of_bytes(std::string_view bytes);

}  // namespace wire
