// FileReader: has vassal files read by short-lived children with their owners' ids, many
// files in one child, and hands the results on.
//
// The emperor itself never opens a vassal file. A child that dies on a file costs that
// file its result, and nobody else anything.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "base/log.h"
#include "base/uv/task_group.h"
#include "emperor/reader_host.h"
#include "vassal/reader.h"

namespace emperor {

class FileReader {
 public:
  FileReader(uvx::Loop& loop,
             uvx::TaskGroup& tasks,
             base::Log& log,
             std::function<void(vassal::ReadResult)> on_result)
      : loop_(loop), tasks_(tasks), log_(log), on_result_(std::move(on_result)) {}

  /// Reads `path` as `uid`:`gid`; the result comes from the top of the loop. A link is
  /// followed only if the caller has judged what it points to.
  void request(const std::string& path, uid_t uid, gid_t gid, base::Links links);
  /// How every file is read; the owner's links and ids are the request's.
  void set_options(vassal::ReadOptions options);
  /// Nothing is queued or being read.
  bool idle() const { return queues_.empty(); }
  /// Called once, when everything asked for so far was read.
  std::function<void()> on_idle;

 private:
  using Owner = std::tuple<uid_t, gid_t, base::Links>;
  using Paths = std::vector<std::string>;
  struct Queue;
  void pump();
  static Paths next_batch(Queue& queue);
  static uvx::Task<void> work(FileReader* self, Owner owner);
  /// Reads a batch and gives what is left of it: all but those that have a result now.
  uvx::Task<Paths> read_batch(Owner owner, Paths paths);
  base::Result<vassal::ReaderChild> start(const Owner& owner, const Paths& paths);
  uvx::Task<base::Result<>> take_results(const vassal::ReaderChild& child,
                                         const Paths& paths,
                                         size_t* done);
  uvx::Task<void> reap(const base::Pidfd& process);
  bool too_many_hang(uid_t owner);
  void tell_lost(const std::string& path, const std::string& why);

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  base::Log& log_;
  std::function<void(vassal::ReadResult)> on_result_;
  vassal::ReadOptions options_;
  ReaderHost host_;
  /// What readers that never finished write to, until they are gone.
  std::multimap<uid_t, base::Fd> hanging_;
  /// What is to be read for one owner: in order, and none twice.
  struct Queue {
    std::deque<std::string> paths;
    std::unordered_set<std::string> known;
  };
  std::map<Owner, Queue> queues_;  // an owner stands here as long as its reader works
  std::deque<Owner> waiting_;      // for a reader
  size_t working_ = 0;
};

}  // namespace emperor
