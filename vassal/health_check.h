// HealthCheck: one real request to one worker that nobody else can reach yet, and what
// its answer says about the application (`health-check`).
//
// The worker gets its end of a handoff channel of its own with one connection on it, as
// a router would put it there. Decides by the status line; what follows is not read.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fd.h"
#include "vassal/config.h"

namespace vassal {

class HealthCheck {
 public:
  /// Puts the request on its way: GET of config.health_check for the first of the
  /// domains.
  base::Result<> begin(const VassalConfig& config, base::Instant now);
  /// The worker's end of the channel. Closed by forget_channel() once it was forked.
  int channel() const { return channel_.get(); }
  void forget_channel() { channel_.reset(); }
  /// In the worker: nothing of the master's end stays open, its own does.
  void close_in_worker() { client_.reset(); }

  /// It has no verdict yet.
  bool open() const { return client_ && !judged_; }
  /// To wait on, until due() or a verdict.
  int fd() const { return client_.get(); }
  std::optional<base::Instant> due() const;
  /// Reads what there is. Nothing: wait on. Else what is wrong; empty if all is well. The
  /// connection stays open until close(), so that the worker can finish its answer.
  std::optional<std::string> look(base::Instant now);
  /// The worker ended without an answer: what is wrong.
  std::string worker_ended(const std::string& how) const;
  void close();

 private:
  std::string path_;
  base::Fd channel_;
  base::Fd client_;
  base::Instant deadline_;
  std::string answer_;
  bool ended_ = false;
  bool judged_ = false;
};

/// What is wrong with the head of an answer that has come so far; empty if it is 2xx or
/// 3xx, nothing if it goes on. Pure.
std::optional<std::string> judge_answer(const std::string& path,
                                        std::string_view answer,
                                        bool ended);

}  // namespace vassal
