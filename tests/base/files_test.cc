// Small files, bounded and written whole.
#include "base/files.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.h"

namespace {

struct TempDir {
  support::TempDir dir = {};
  std::filesystem::path path = dir.path();
};

}  // namespace

TEST_SUITE("base") {
  TEST_CASE("files: written with its mode, read back, bounded") {
    const TempDir dir;
    const auto file = dir.path / "a";
    REQUIRE(base::write_file(file, "twelve bytes", 0600));
    CHECK(base::read_file(file, 12).value() == "twelve bytes");
    const auto too_big = base::read_file(file, 11);
    REQUIRE_FALSE(too_big);
    CHECK(too_big.error().is(std::errc::file_too_large));
    CHECK(too_big.error().message().find(file.string()) != std::string::npos);
    struct stat st{};
    REQUIRE(::stat(file.c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0600);
  }

  TEST_CASE("files: what is not there is an error that names it") {
    const auto missing = base::read_file("/nonexistent/file", 10);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message() ==
          "open /nonexistent/file: No such file or directory");
  }
}
