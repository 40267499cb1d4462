#include "base/open_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/config/temp_dir.h"

using base::FileSource;
using base::Links;
using base::OpenFiles;
using config_test::TempDir;

TEST_SUITE("config") {
  TEST_CASE("open files: regular files only, whatever stands in the way") {
    const TempDir dir;
    dir.put("plain", "text");
    dir.put("big", std::string(1000, 'x'));
    REQUIRE(::symlink("plain", (dir / "link").c_str()) == 0);
    REQUIRE(::symlink("/nowhere", (dir / "dangling").c_str()) == 0);
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    OpenFiles files(dir.path());
    const auto plain = files.read("plain", 100);
    REQUIRE(plain);
    CHECK(plain->text == "text");
    CHECK(plain->path == dir / "plain");
    CHECK(files.read(dir / "plain", 4));
    CHECK(files.read("link", 100).error().message() == "it is a symbolic link");
    CHECK(files.read("dangling", 100).error().message() == "it is a symbolic link");
    CHECK(files.read("fifo", 100).error().message() == "it is not a regular file");
    CHECK(files.read("/dev/zero", 100).error().message() == "it is not a regular file");
    CHECK(files.read(".", 100).error().message() == "it is not a regular file");
    CHECK(files.read("big", 999).error().is(std::errc::file_too_large));
    CHECK(files.read("none", 100).error().is(std::errc::no_such_file_or_directory));
  }

  TEST_CASE("open files: files without a size are bounded by what comes") {
    OpenFiles files("/");
    const auto pid = files.read("/proc/sys/kernel/ostype", 100);
    REQUIRE(pid);
    CHECK(pid->text == "Linux\n");
    CHECK_FALSE(files.read("/proc/self/maps", 10));
  }

  TEST_CASE("open files: only the first may be a link, where that is allowed") {
    const TempDir dir;
    dir.put("plain", "text");
    REQUIRE(::symlink("plain", (dir / "link").c_str()) == 0);
    OpenFiles files(dir.path(), Links::follow);
    const auto first = files.read("link", 100);
    REQUIRE(first);
    CHECK(first->path == dir / "link");
    CHECK_FALSE(files.read("link", 100));
  }

  TEST_CASE("open files: the facts tell who could have written them") {
    const TempDir dir;
    const std::string path = dir.put("plain", "text");
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    OpenFiles files(dir.path());
    REQUIRE(files.read("plain", 100));
    REQUIRE(files.facts().size() == 1);
    const auto& fact = files.facts()[0];
    CHECK(fact.uid == ::geteuid());
    CHECK(fact.mode == 0640);
    CHECK(fact.size == 4);
    CHECK(fact.mtime_ns > 0);
    if (::geteuid() == 0) CHECK(base::untrusted_because(fact).empty());
  }

  TEST_CASE("trust: files and directories that others may write are named") {
    base::FileFact fact{.path = "/v/a.ini"};
    fact.mode = 0644;
    CHECK(base::untrusted_because(fact).empty());
    fact.mode = 0664;
    CHECK(base::untrusted_because(fact) == "others than root may write it");
    fact.mode = 0644;
    fact.uid = 1001;
    CHECK(base::untrusted_because(fact) == "it belongs to uid 1001, not to root");
    fact.uid = 0;
    fact.loose_directory = "/v";
    CHECK(base::untrusted_because(fact) == "others than root may write its directory /v");
  }

  TEST_CASE("trust: a directory above that others may write counts") {
    if (::geteuid() != 0) return;
    const TempDir dir;
    REQUIRE(::mkdir((dir / "open").c_str(), 0777) == 0);
    REQUIRE(::chmod((dir / "open").c_str(), 0777) == 0);
    REQUIRE(::mkdir((dir / "open/below").c_str(), 0755) == 0);
    dir.put("open/below/a.ini", "[uwsgi]\n");
    OpenFiles files(dir.path());
    REQUIRE(files.read("open/below/a.ini", 100));
    CHECK(files.facts()[0].loose_directory == dir / "open");
  }

  TEST_CASE("open files: kinds and globs") {
    const TempDir dir;
    dir.put("a.ini", "");
    dir.put("b.ini", "");
    OpenFiles files(dir.path());
    CHECK(files.kind("a.ini") == FileSource::Kind::file);
    CHECK(files.kind(".") == FileSource::Kind::directory);
    CHECK(files.kind("/dev/null") == FileSource::Kind::other);
    CHECK(files.kind("none") == FileSource::Kind::missing);
    CHECK(files.glob("*.ini", 10) == std::vector{dir / "a.ini", dir / "b.ini"});
    CHECK(files.glob("*.ini", 1).size() == 1);
    CHECK(files.glob("*.none", 10) == std::vector{dir / "*.none"});
  }

  TEST_CASE("open files: only so many") {
    OpenFiles files("/", Links::refuse, 2);
    CHECK(files.read("/proc/sys/kernel/ostype", 100));
    CHECK(files.read("/proc/sys/kernel/ostype", 100));
    CHECK_FALSE(files.read("/proc/sys/kernel/ostype", 100));
  }
}
