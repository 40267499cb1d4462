// Runs the system tests of a folder where root and cgroups are at hand; elsewhere says
// why not (exit 77).
#define DOCTEST_CONFIG_IMPLEMENT
#include <unistd.h>

#include <cstdio>
#include <string>

#include <doctest/doctest.h>

#include "cgroups/tree.h"

namespace {

std::string reason_to_skip() {
  if (::geteuid() != 0) return "needs root";
  cgroups::Options options;
  options.root_name = "imperium-test-probe-" + std::to_string(::getpid());
  const auto tree = cgroups::Tree::open(options);
  if (!tree) return tree.error().message();
  tree->try_remove();
  if (!tree->active()) return tree->notes().back();
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  if (const std::string reason = reason_to_skip(); !reason.empty()) {
    std::printf("SKIPPED: %s\n", reason.c_str());
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
