// Files like those that people have, each with what check says about it: one directory
// per symptom below tests/golden/ini, with in.ini, maybe more files, and expect.txt
// (diagnostics, then the effective settings).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "tests/config/machine.h"
#include "vassal/explain.h"

namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Everything of the directory, seen at /v.
support::MemoryFiles files_of(const fs::path& directory) {
  support::MemoryFiles files({{"/proc/sys/net/core/somaxconn", "4096\n"}});
  for (const auto& entry : fs::directory_iterator(directory))
    files.put("/v/" + entry.path().filename().string(), content(entry.path()));
  return files;
}

std::string told_of(const fs::path& directory) {
  auto files = files_of(directory);
  auto expanded = base::expand_ini({.path = "/v/in.ini"}, files, dialect::world());
  vassal::ReadResult read;
  read.path = "/v/in.ini";
  read.files = {{.path = "/v/in.ini"}};
  read.settings = expanded.settings;
  read.diagnostics = expanded.diagnostics;
  const auto check = vassal::check(read, machine::FewNames());
  std::string out =
      vassal::check_text(check) + (check.usable ? "-- usable\n" : "-- rejected\n");
  for (const auto& value : vassal::explain({{}, read.settings, {}}))
    if (value.layer != "built in")
      out += value.key + " = " + value.value + "  # " + value.origin + " " +
             value.treatment + "\n";
  return out;
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("golden: each file is understood as expected") {
    std::vector<fs::path> directories;
    for (const auto& entry : fs::directory_iterator(IMPERIUM_GOLDEN))
      directories.push_back(entry.path());
    std::ranges::sort(directories);
    CHECK(directories.size() >= 12);
    for (const auto& directory : directories) {
      CAPTURE(directory.filename().string());
      const std::string told = told_of(directory);
      // IMPERIUM_GOLDEN_WRITE=1 makes the expectations anew, for a look at the difference
      if (std::getenv("IMPERIUM_GOLDEN_WRITE") != nullptr)
        std::ofstream(directory / "expect.txt") << told;
      CHECK(told == content(directory / "expect.txt"));
    }
  }
}
