// `emperorctl subscribe`: a node that is no uWSGI says to a fastrouter that it serves a
// host, signed with an SSH key. Needs no emperor.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace emperor::ctl {

struct SubscribeOptions {
  std::string router;  ///< of its subscription server: "host:port", "/path", "@name"
  std::string host;    ///< what is subscribed
  std::string node;    ///< where the node listens, as the router sees it
  std::string key;     ///< file of a private key; with `agent`, of a public one
  bool agent = false;  ///< $SSH_AUTH_SOCK signs
  std::string user;    ///< whose keys the router looks into; empty: the host's
  uint64_t weight = 1;
  uint64_t backup = 0;
  bool leave = false;
  uint32_t every = 0;  ///< seconds between packets, until a signal; 0: once
};

/// Sends, and says on standard error what went wrong. With `every` it goes on until
/// SIGINT or SIGTERM, and leaves then. Returns the exit code.
int subscribe(const SubscribeOptions& options);

}  // namespace emperor::ctl
