// KeeperDoor: where a new keeper finds the emperor that outlived the last one:
// <run-dir>/keeper.sock, SOCK_SEQPACKET, for the emperor's own user only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/uv/task_group.h"
#include "emperor/message_channel.h"

namespace emperor {

class KeeperDoor {
 public:
  /// Decides about one that wants to be keeper: nothing, and it gets the channel, or why
  /// not; an empty word: it is to ask again.
  using Decide = std::function<std::optional<std::string>(
      std::shared_ptr<MessageChannel> channel, pid_t pid)>;
  KeeperDoor(uvx::Loop& loop, uvx::TaskGroup& tasks, base::Log& log, Decide decide)
      : loop_(loop), tasks_(tasks), log_(log), decide_(std::move(decide)) {}

  /// Binds `path`, in the place of whatever an earlier emperor left there.
  base::Result<> open(const std::string& path);
  void close();
  /// No later emperor has come up and opened its own in this place.
  bool still_ours() const;

 private:
  uvx::Task<void> accept();
  uvx::Task<void> hear(base::Fd connection);

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  base::Log& log_;
  Decide decide_;
  std::string path_;
  ino_t inode_ = 0;
  base::Fd listener_;
  std::unique_ptr<uvx::Poll> poll_;
};

}  // namespace emperor
