// Directories and globs on a real file system, with a real loop.
#include "emperor/dir_source.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "base/uv/loop.h"
#include "tests/support/temp_dir.h"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using emperor::DirSource;
using emperor::GlobPattern;
using emperor::Hint;

namespace {

struct TempDir {
  support::TempDir dir = {};
  void write(const std::string& name, const std::string& text = "x") const {
    std::ofstream(path / name) << text;
  }
  fs::path path = dir.path();
};

std::vector<std::string> names(DirSource& source) {
  std::vector<std::string> names;
  for (const auto& listed : source.snapshot())
    names.push_back(listed.name);
  return names;
}

/// Hints until one satisfies `wanted`.
template <class Wanted>
bool hears(uvx::Loop& loop, DirSource& source, Wanted wanted) {
  for (int i = 0; i < 20; ++i) {
    const auto hints = loop.run(source.changed());
    if (!hints) return false;
    for (const Hint& hint : *hints)
      if (wanted(hint)) return true;
  }
  return false;
}

std::unique_ptr<DirSource> open(uvx::Loop& loop, const std::string& text) {
  auto source = DirSource::open(loop, text, 0);
  REQUIRE(source);
  return *std::move(source);
}

}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE(
      "pattern: a directory, a glob and a single file, and the names below their "
      "prefix") {
    const auto directory = GlobPattern::parse("/etc/vassals/", true);
    CHECK(directory.prefix == "/etc/vassals");
    CHECK(directory.components == std::vector<std::string>{"*"});
    CHECK(directory.suffixes == std::vector<std::string>{".ini"});
    CHECK(directory.name_of("/etc/vassals/blog.ini") == "blog");
    const auto glob = GlobPattern::parse("/home/*/sites/*.ini", false);
    CHECK(glob.prefix == "/home");
    CHECK(glob.components == std::vector<std::string>{"*", "sites", "*.ini"});
    CHECK(glob.name_of("/home/alice/sites/a.ini") == "alice/sites/a");
    const auto one = GlobPattern::parse("/etc/vassals/blog.ini", false);
    CHECK(one.prefix == "/etc/vassals");
    CHECK(one.name_of("/etc/vassals/blog.ini") == "blog");
  }

  TEST_CASE("source: lists ini files of a directory, nothing hidden, no other suffix") {
    uvx::Loop loop;
    TempDir dir;
    for (const char* name : {"b.ini", "a.ini", ".hidden.ini", "c.ini.bak", "d.txt"})
      dir.write(name);
    fs::create_directory(dir.path / "e.ini");
    auto source = open(loop, dir.path);
    CHECK(names(*source) == std::vector<std::string>{"a", "b"});
  }

  TEST_CASE("source: further suffixes of a directory, and files in other dialects") {
    uvx::Loop loop;
    TempDir dir;
    for (const char* name : {"a.ini", "b.vassal", "c.yml", "d.json", ".e.yml", "f.txt"})
      dir.write(name);
    auto plain = open(loop, dir.path);
    CHECK(names(*plain) == std::vector<std::string>{"a"});
    CHECK(plain->strangers() == 2);
    auto source = DirSource::open(loop, dir.path, 0,
                                  {.extensions = {".vassal"}, .nofollow = false});
    REQUIRE(source);
    CHECK(names(**source) == std::vector<std::string>{"a", "b"});
    dir.write("g.vassal");
    CHECK(hears(loop, **source,
                [](const Hint& h) { return h.path.ends_with("/g.vassal") && h.quiet; }));
  }

  TEST_CASE("source: a link is watched itself where the operator says so") {
    uvx::Loop loop;
    TempDir dir;
    dir.write("target", "one");
    fs::create_symlink(dir.path / "target", dir.path / "a.ini");
    auto follow = open(loop, dir.path);
    auto source =
        DirSource::open(loop, dir.path, 0, {.extensions = {}, .nofollow = true});
    REQUIRE(source);
    const auto followed = follow->snapshot().at(0).identity;
    const auto itself = (*source)->snapshot().at(0).identity;
    CHECK(followed.inode != itself.inode);
    dir.write("target", "longer");
    CHECK((*source)->snapshot().at(0).identity == itself);
    CHECK_FALSE(follow->snapshot().at(0).identity == followed);
  }

  TEST_CASE(
      "source: equal names below different directories of a glob are different vassals") {
    uvx::Loop loop;
    TempDir dir;
    for (const char* who : {"alice", "bob"}) {
      fs::create_directory(dir.path / who);
      dir.write(std::string(who) + "/site.ini");
    }
    auto source = open(loop, dir.path / "*/*.ini");
    CHECK(names(*source) == std::vector<std::string>{"alice/site", "bob/site"});
  }

  TEST_CASE("source: a closed file and a rename are quiet at once") {
    uvx::Loop loop;
    TempDir dir;
    auto source = open(loop, dir.path);
    source->snapshot();
    dir.write("a.ini");
    CHECK(hears(loop, *source,
                [](const Hint& h) { return h.path.ends_with("/a.ini") && h.quiet; }));
    dir.write("b.tmp");
    fs::rename(dir.path / "b.tmp", dir.path / "b.ini");
    CHECK(hears(loop, *source,
                [](const Hint& h) { return h.path.ends_with("/b.ini") && h.quiet; }));
    fs::remove(dir.path / "a.ini");
    CHECK(hears(loop, *source,
                [](const Hint& h) { return h.path.ends_with("/a.ini") && h.quiet; }));
    CHECK_FALSE(source->look(dir.path / "a.ini"));
    CHECK(source->look(dir.path / "b.ini")->name == "b");
  }

  TEST_CASE("source: a file that is still open is not quiet") {
    uvx::Loop loop;
    TempDir dir;
    auto source = open(loop, dir.path);
    source->snapshot();
    std::ofstream out(dir.path / "a.ini");
    out << "half" << std::flush;
    const auto hints = loop.run(source->changed());
    REQUIRE(hints);
    for (const Hint& hint : *hints)
      CHECK_FALSE(hint.quiet);
  }

  TEST_CASE("source: a directory that does not exist yet is watched until it does") {
    uvx::Loop loop;
    TempDir dir;
    auto source = open(loop, dir.path / "later" / "vassals");
    CHECK(source->snapshot().empty());
    const auto anywhere = [](const Hint& h) {
      return h.path.empty();
    };
    fs::create_directory(dir.path / "later");
    CHECK(hears(loop, *source, anywhere));
    CHECK(source->snapshot().empty());
    fs::create_directory(dir.path / "later" / "vassals");
    CHECK(hears(loop, *source, anywhere));
    dir.write("later/vassals/a.ini");
    CHECK(names(*source) == std::vector<std::string>{"a"});
  }

  TEST_CASE(
      "source: a new directory of a glob, and one that goes, ask for a new listing") {
    uvx::Loop loop;
    TempDir dir;
    auto source = open(loop, dir.path / "*/*.ini");
    source->snapshot();
    const auto anywhere = [](const Hint& h) {
      return h.path.empty();
    };
    fs::create_directory(dir.path / "alice");
    CHECK(hears(loop, *source, anywhere));
    dir.write("alice/site.ini");
    CHECK(names(*source) == std::vector<std::string>{"alice/site"});
    fs::remove_all(dir.path / "alice");
    CHECK(hears(loop, *source, anywhere));
    CHECK(names(*source).empty());
  }

  TEST_CASE("source: a dangling link is listed, so that somebody is told about it") {
    uvx::Loop loop;
    TempDir dir;
    fs::create_symlink("/nowhere/at/all", dir.path / "a.ini");
    auto source = open(loop, dir.path);
    CHECK(names(*source) == std::vector<std::string>{"a"});
  }

  TEST_CASE("source: close ends the wait") {
    uvx::Loop loop;
    TempDir dir;
    auto source = open(loop, dir.path);
    source->snapshot();
    source->close();
    CHECK_FALSE(loop.run(source->changed()));
  }
}
