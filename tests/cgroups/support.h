// What the system tests of cgroups share: a tree of their own that leaves nothing behind,
// and children in leaves.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cgroups/tree.h"

namespace cgroups_test {

/// Polls `done` until it holds; false after `limit`.
bool eventually(const std::function<bool()>& done,
                std::chrono::seconds limit = std::chrono::seconds(10));

/// A tree below a root of this test process. Kills and removes everything in it at the
/// end.
class TestTree {
 public:
  explicit TestTree(cgroups::Mode mode = cgroups::Mode::automatic, std::string root = "");
  ~TestTree();
  TestTree(const TestTree&) = delete;
  TestTree& operator=(const TestTree&) = delete;

  cgroups::Tree* operator->() { return &tree_; }
  cgroups::Tree& operator*() { return tree_; }

 private:
  cgroups::Tree tree_;
};

/// A child that enters `leaf`, says so, and then runs `body`. Killed and reaped at the
/// end.
class Child {
 public:
  Child(const cgroups::Leaf& leaf, const std::function<void()>& body);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool alive() const;
  /// The wait status at its end.
  int wait();

 private:
  pid_t pid_ = -1;
  bool reaped_ = false;
};

/// For ever, without using a CPU.
void sleep_for_ever();

/// All directories called `name` below /sys/fs/cgroup.
std::vector<std::string> directories_called(const std::string& name);

/// The whole file; "" if it cannot be read.
std::string content(const std::string& path);

/// The root of this process' trees.
std::string root_name();

/// The hierarchy that carries `controller` here; a test that needs one which is missing
/// returns.
const cgroups::Hierarchy* hierarchy_of(const std::string& controller);

}  // namespace cgroups_test
