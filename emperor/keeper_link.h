// KeeperLink: the emperor's side of the keeper's channel (base/wire/keeper.h).
//
// Without a keeper (it was killed) everything is accepted and does nothing: vassals go
// on, and ends are noticed by their lifelines.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "emperor/message_channel.h"

namespace emperor {

using Held = std::map<std::string, base::Fd>;

class KeeperLink {
 public:
  explicit KeeperLink(std::shared_ptr<MessageChannel> channel)
      : channel_(std::move(channel)) {}

  void hold(const std::string& name, int fd);
  void release(const std::string& name);
  /// The end of `pid` is dealt with.
  void noted(pid_t pid);
  void up();
  /// This emperor ends on purpose.
  void shutting_down();

  /// Everything the keeper holds, once, before anything else is received. Exits that
  /// happened while nobody listened come as messages of receive().
  uvx::Task<base::Result<Held>> fetch();
  uvx::Task<base::Result<Incoming>> receive();
  void close() { channel_->close(); }
  bool closed() const { return channel_->closed(); }
  bool lost() const { return lost_; }

 private:
  void say(const char* verb, const std::string& name = {}, int fd = -1);

  std::shared_ptr<MessageChannel> channel_;
  std::deque<Incoming> early_;  // what came while fetching
  bool lost_ = false;
};

}  // namespace emperor
