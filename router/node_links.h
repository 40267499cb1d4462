// NodeLinks: connections to nodes: made, and kept for the next request, watched as they
// are.
//
// Few are kept for each node, and for a short time: shorter than servers keep theirs, so
// that one is rarely found ended.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/fd.h"
#include "base/uv/loop.h"
#include "router/protocol.h"
#include "router/stream.h"

namespace router {

class NodeLinks {
 public:
  static constexpr size_t kMostOfNode = 32;
  static constexpr size_t kMostOfAll = 1024;
  static constexpr base::Duration kKept = std::chrono::seconds(4);

  explicit NodeLinks(uvx::Loop& loop) : loop_(loop), timer_(loop) {}

  /// A kept connection to the node that is still open, if there is one.
  std::unique_ptr<PlainStream> take(const std::string& address, Protocol protocol);
  /// Closes the one that is kept for longest: a new one comes in its place. A server with
  /// one process for each connection would let that one wait for the kept ones.
  void make_way(const std::string& address, Protocol protocol);
  /// Keeps one that can serve another request.
  void keep(const std::string& address,
            Protocol protocol,
            std::unique_ptr<PlainStream> connection);
  /// A new one. ETIMEDOUT after `deadline`.
  uvx::Task<base::Result<base::Fd>> connect(std::string_view address,
                                            base::Deadline deadline);

  /// Closes what was kept for too long, until close().
  uvx::Task<void> run();
  void close();
  size_t kept() const { return kept_; }

 private:
  struct Kept {
    std::unique_ptr<PlainStream> connection;
    base::Instant until;
  };
  void expire(base::Instant now);

  uvx::Loop& loop_;
  uvx::Timer timer_;
  std::unordered_map<std::string, std::deque<Kept>> links_;  // by protocol and address
  size_t kept_ = 0;
  bool closed_ = false;
};

}  // namespace router
