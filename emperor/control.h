// Control: the socket that emperorctl talks to. One JSON object a line in, one a line
// out:
//   {"cmd": "show", "name": "alice/site"}  ->  {"ok": true, "data": {...}}
//                                          or  {"ok": false, "error": "no vassal
//                                          'alice/site'"}
// The socket's mode (0600) says who may ask. A slow or silent client costs nobody else
// anything.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/log.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"

namespace emperor {

struct ControlRequest {
  std::string command;
  std::string name;                    ///< of a vassal; empty if the command needs none
  std::optional<uint64_t> lines = {};  ///< of a log
  bool follow = false;
};

/// The answer's data as JSON text, or what went wrong.
using ControlHandler =
    std::function<uvx::Task<base::Result<std::string>>(ControlRequest)>;

class Control {
 public:
  Control(uvx::Loop& loop, uvx::TaskGroup& tasks, base::Log& log, ControlHandler handler)
      : loop_(loop), tasks_(tasks), log_(log), handler_(std::move(handler)) {}

  /// Whether somebody else answers that request, with a copy of `client`: then the
  /// conversation is theirs. May be empty.
  std::function<bool(const ControlRequest& request, int client)> hand_over;

  /// Serves `listener` (bound by the caller) from now on.
  void start(base::Fd listener);
  /// Ends every conversation that is not being answered right now, and the listening.
  void close();
  /// Takes nobody new; who waits is answered by the next emperor on the same listener.
  void stop_listening();
  /// Nobody is being talked to.
  bool idle() const { return conversations_.empty(); }

 private:
  uvx::Task<void> accept();
  uvx::Task<void> converse(base::Fd client);
  uvx::Task<std::string> answer(std::optional<ControlRequest> request);

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  base::Log& log_;
  ControlHandler handler_;
  base::Fd listener_;
  std::unique_ptr<uvx::Poll> poll_;
  std::set<uvx::Poll*> conversations_;
};

}  // namespace emperor
