// KeeperLink: the emperor's side of the keeper's channel (base/wire/keeper.h).
//
// Keeps a duplicate of everything that the keeper holds, so that the next keeper gets all
// of it when this one dies. Until then everything is accepted and remembered here; ends
// of processes are seen by their pidfds meanwhile.
#pragma once

#include <memory>
#include <string>

#include "base/process.h"
#include "emperor/holding.h"
#include "emperor/message_channel.h"

namespace emperor {

class KeeperLink {
 public:
  /// `lock`: the flock on the run directory, which the next keeper gets, too.
  KeeperLink(std::shared_ptr<MessageChannel> channel, base::Fd lock);

  void hold(const std::string& name, int fd);
  void release(const std::string& name);
  /// The end of `pid` is dealt with.
  void noted(pid_t pid);
  void up();
  /// This emperor begins to shut down.
  void stopping();
  /// It has, and ends on purpose.
  void shutting_down();
  /// Everything said has reached the keeper (or it is too late).
  uvx::Task<void> flush(base::Deadline deadline) { return channel_->flush(deadline); }
  void can();
  void cannot(const std::string& reason);
  void ask_upgrade();
  void pong();
  void left();
  /// Waits, and lets nothing else happen, until the keeper says that all is well with the
  /// next emperor. False: the keeper is gone.
  bool wait_for_bye() const;

  /// Everything the keeper holds, before anything else is received. Exits that happened
  /// while nobody listened come as messages of receive().
  uvx::Task<base::Result<Held>> fetch();
  /// What the keeper says; an error when it is gone (see lost) or after close().
  uvx::Task<base::Result<Incoming>> receive();

  /// Another keeper, on `channel`: it gets everything. One that is still there is ended.
  void attach(std::shared_ptr<MessageChannel> channel, pid_t pid);
  /// Whether it lives, which may not have been noticed otherwise yet.
  bool alive() const { return !lost_ && !process_.ended(); }
  /// Whether the end of `pid` is told by the keeper: it is its parent, and there.
  bool reaps(pid_t pid) const;
  /// The keeper's pid; our own while there is none.
  pid_t pid() const;
  /// What is said to the keeper was all sent.
  bool flushed() const { return channel_->flushed(); }
  int lock() const { return lock_.get(); }
  bool lost() const { return lost_; }
  void close();
  bool closed() const { return closed_; }

 private:
  void say(const char* verb, const std::string& name = {}, int fd = -1);
  void say_why(const char* verb, const std::string& reason);

  std::shared_ptr<MessageChannel> channel_;
  base::Fd lock_;
  OwnHolding mine_;
  std::deque<Incoming> early_;  // what came while fetching
  base::Pidfd process_;
  bool parent_ = true;  // the keeper is our parent, and that of what we start
  bool lost_ = false;
  bool closed_ = false;
};

/// The parent of a process; 0 if it is gone.
pid_t parent_of(pid_t pid);

}  // namespace emperor
