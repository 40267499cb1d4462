// TurnQueue: work for several owners: one piece at a time for each of them, so many at
// once for all. Whoever makes his piece take long keeps only himself waiting.
//
// Pure. A piece that is waiting or under way is not taken a second time.
#pragma once

#include <sys/types.h>

#include <deque>
#include <map>
#include <optional>
#include <set>

namespace emperor {

template <class Work>
class TurnQueue {
 public:
  struct Turn {
    uid_t owner;
    Work work;
  };
  explicit TurnQueue(size_t at_once) : at_once_(at_once) {}

  void push(uid_t owner, Work work) {
    if (!known_.insert(work).second) return;
    Owner& his = owners_[owner];
    his.waiting.push_back(std::move(work));
    if (his.waiting.size() == 1 && !his.busy) order_.push_back(owner);
  }
  /// What may begin now; done() follows.
  std::optional<Turn> next() {
    if (order_.empty() || busy_ == at_once_) return std::nullopt;
    const uid_t owner = order_.front();
    order_.pop_front();
    Owner& his = owners_[owner];
    Turn turn{owner, std::move(his.waiting.front())};
    his.waiting.pop_front();
    his.busy = true;
    ++busy_;
    return turn;
  }
  void done(const Turn& turn) {
    --busy_;
    known_.erase(turn.work);
    Owner& his = owners_[turn.owner];
    his.busy = false;
    if (his.waiting.empty())
      owners_.erase(turn.owner);
    else
      order_.push_back(turn.owner);
  }

 private:
  struct Owner {
    std::deque<Work> waiting;
    bool busy = false;
  };
  size_t at_once_;
  size_t busy_ = 0;
  std::map<uid_t, Owner> owners_;
  std::deque<uid_t> order_;  // who has something waiting, and nothing under way
  std::set<Work> known_;
};

}  // namespace emperor
