// Bind: listening sockets for vassals, made by a short-lived child with the tenant's ids.
//
// The interface does not block: start, poll fd(), finish. bind_now() waits, for programs
// without a loop.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/result.h"
#include "vassal/bind_request.h"

namespace vassal {

/// A listening socket (non-blocking, close-on-exec) and which file it stands in.
struct BoundSocket {
  base::Fd socket;
  uint64_t device = 0;  ///< 0 for what has no file
  uint64_t inode = 0;
};

/// One bind under way. Destroying it kills the child.
class BindChild {
 public:
  /// Clones the child. Errors of the address are told here.
  static base::Result<BindChild> start(const BindRequest& request);

  BindChild(BindChild&&) noexcept = default;
  BindChild& operator=(BindChild&& other) noexcept;
  BindChild(const BindChild&) = delete;
  BindChild& operator=(const BindChild&) = delete;
  ~BindChild();

  /// Readable when finish() has an answer. The caller bounds the waiting: a path can lie
  /// on a dead file system.
  int fd() const { return channel_.get(); }
  /// Nothing while the child works. EADDRINUSE: probably another instance answers there.
  base::Result<std::optional<BoundSocket>> finish();

 private:
  BindChild(base::Pidfd process, base::Fd channel, std::string text)
      : process_(std::move(process)),
        channel_(std::move(channel)),
        text_(std::move(text)) {}
  void end();

  base::Pidfd process_;
  base::Fd channel_;
  std::string text_;
};

/// The same, waiting until `deadline` (ETIMEDOUT).
base::Result<BoundSocket> bind_now(const BindRequest& request,
                                   base::Deadline deadline = base::Deadline::never());

/// `chown-socket`: gives the socket file to `uid`:`gid` (-1: unchanged). Needs root, who
/// follows no link of the tenant's: ESTALE unless `path` still is the very socket that
/// was bound and belongs to `tenant`.
base::Result<> chown_socket(const std::string& path,
                            const BoundSocket& bound,
                            uid_t tenant,
                            uid_t uid,
                            gid_t gid);

}  // namespace vassal
