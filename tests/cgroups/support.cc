#include "tests/cgroups/support.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "base/files.h"

namespace cgroups_test {

namespace {

cgroups::Tree open_tree(cgroups::Mode mode, std::string root) {
  cgroups::Options options;
  options.mode = mode;
  options.root = std::move(root);
  options.root_name = root_name();
  auto tree = cgroups::Tree::open(options);
  if (!tree) throw std::runtime_error(tree.error().message());
  return *std::move(tree);
}

bool empty_vassal(cgroups::Tree& tree, const std::string& name) {
  auto group = tree.existing(name);
  if (!group) return true;
  for (const uint64_t generation : group->leaves()) {
    cgroups::Leaf leaf = group->existing_leaf(generation);
    (void)leaf.kill();
    (void)leaf.try_remove();
  }
  const auto removed = group->try_remove();
  return removed && *removed == cgroups::Removal::removed;
}

}  // namespace

bool eventually(const std::function<bool()>& done, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    (void)::poll(nullptr, 0, 1);  // v1 has no event for an emptied group or a figure
  }
  return true;
}

TestTree::TestTree(cgroups::Mode mode, std::string root)
    : tree_(open_tree(mode, std::move(root))) {}

TestTree::~TestTree() {
  eventually([&] {
    bool all = true;
    for (const std::string& name : tree_.vassals())
      all = empty_vassal(tree_, name) && all;
    return all;
  });
  tree_.try_remove();
}

Child::Child(const cgroups::Leaf& leaf, const std::function<void()>& body) {
  auto attachment = leaf.attachment();
  if (!attachment) throw std::runtime_error(attachment.error().message());
  auto pipe = base::make_pipe();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const base::Fd& tasks : attachment->tasks)
      if (::write(tasks.get(), "0", 1) != 1) ::_exit(99);
    if (attachment->v2_procs && ::write(attachment->v2_procs.get(), "0", 1) != 1)
      ::_exit(99);
    if (::write(pipe->second.get(), "in", 2) != 2) ::_exit(98);
    body();
    ::_exit(0);
  }
  pipe->second.reset();
  char answer[2];
  if (::read(pipe->first.get(), answer, 2) != 2)
    throw std::runtime_error("child could not enter " + leaf.text());
}

Child::~Child() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  wait();
}

bool Child::alive() const {
  return ::kill(pid_, 0) == 0 &&
         content("/proc/" + std::to_string(pid_) + "/cmdline") != "";
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  return status;
}

void sleep_for_ever() {
  for (;;)
    ::pause();
}

std::vector<std::string> directories_called(const std::string& name) {
  std::vector<std::string> found;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at("/sys/fs/cgroup", error);
  for (const std::filesystem::recursive_directory_iterator end; !error && at != end;
       at.increment(error))
    if (at->is_directory(error) && at->path().filename() == name)
      found.push_back(at->path().string());
  return found;
}

std::string content(const std::string& path) {
  return base::read_file(path, 1 << 20).value_or("");
}

std::string root_name() {
  return "imperium-test-" + std::to_string(::getpid());
}

const cgroups::Hierarchy* hierarchy_of(const std::string& controller) {
  static const auto layout = cgroups::read_layout();
  return layout ? layout->of(controller) : nullptr;
}

}  // namespace cgroups_test
