#include "vassal/reader.h"

#include <dirent.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/config/temp_dir.h"

using config_test::TempDir;
using vassal::read_vassal_file;
using vassal::ReadResult;
using vassal::start_reader;

namespace {

constexpr uid_t kSomebody = 61234;

std::vector<ReadResult> read_in_child(std::vector<std::string> paths,
                                      uid_t uid,
                                      const vassal::ReadOptions& options = {}) {
  auto child = start_reader(std::move(paths), uid, uid, options);
  REQUIRE(child);
  auto results = finish_reader(*std::move(child));
  REQUIRE(results);
  return *std::move(results);
}

size_t open_descriptors() {
  size_t n = 0;
  DIR* dir = ::opendir("/proc/self/fd");
  while (::readdir(dir) != nullptr)
    ++n;
  ::closedir(dir);
  return n;
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("reader: a file comes back with settings, facts and a hash") {
    const TempDir dir;
    const auto path =
        dir.put("site.ini", "[uwsgi]\nx = %n\nini = more.ini\nh = $(HOME)\n");
    dir.put("more.ini", "[uwsgi]\ny = 1\n");
    const auto result = read_vassal_file(path, {.environment = {{"HOME", "/h"}}});
    CHECK(result.diagnostics.empty());
    CHECK(result.path == path);
    REQUIRE(result.files.size() == 2);
    CHECK(result.files[0].path == path);
    CHECK(result.files[1].path == dir / "more.ini");
    REQUIRE(result.settings.size() == 4);
    CHECK(result.settings[0].value == "site");
    CHECK(result.settings[3].value == "/h");
    CHECK(read_vassal_file(path).hash == result.hash);
    dir.put("more.ini", "[uwsgi]\ny = 2\n");
    CHECK(read_vassal_file(path).hash != result.hash);
  }

  TEST_CASE("reader: what is no ini file is one clear line") {
    const TempDir dir;
    struct Row {
      const char* name;
      std::string text;
      const char* told;
    };
    std::string binary;
    for (int i = 0; i < 256; ++i)
      binary.push_back(static_cast<char>(i));
    const Row rows[] = {
        {"empty.ini", "", "/empty.ini: the file has no settings"},
        {"binary.ini", binary, "/binary.ini:1: NUL byte: this is not a text file"},
        {"huge.ini", "[uwsgi]\n" + std::string((1 << 20) - 7, ';'),
         "/huge.ini: cannot be read: it has more than 1048576 bytes: File too large"},
        {"long.ini", "[uwsgi]\nx = " + std::string(500000, 'x'),
         "/long.ini:2: line is longer than 65536 bytes"},
        {"none.ini", "x = 1\n",
         "/none.ini: the file has no settings in section [uwsgi] or [vassal]"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto result = read_vassal_file(dir.put(row.name, row.text));
      REQUIRE(result.first_error() != nullptr);
      CHECK(result.first_error()->message() == dir.path() + row.told);
      CHECK(result.settings.empty());
    }
    const auto gone = read_vassal_file(dir / "gone.ini");
    CHECK(gone.files.empty());
    CHECK(gone.first_error()->message() ==
          dir / "gone.ini: cannot be read: open: No such file or directory");
  }

  TEST_CASE("reader: the child gives what reading here gives") {
    const TempDir dir;
    std::vector<std::string> paths;
    for (int i = 0; i < 50; ++i)
      paths.push_back(
          dir.put("v" + std::to_string(i) + ".ini",
                  "[uwsgi]\nn = " + std::to_string(i) + "\nx = %(n)%n\nbad = @(none)\n"));
    paths.push_back(dir / "missing.ini");
    const size_t before = open_descriptors();
    const auto results = read_in_child(paths, ::geteuid());
    CHECK(open_descriptors() == before);
    REQUIRE(results.size() == paths.size());
    for (size_t i = 0; i < paths.size(); ++i) {
      CAPTURE(i);
      CHECK(results[i] == read_vassal_file(paths[i]));
    }
  }

  TEST_CASE("reader: a file can tell that it is read for an emperor") {
    const TempDir dir;
    const auto path = dir.put(
        "a.ini", "[uwsgi]\nif-not-env = UWSGI_EMPEROR_FD\nalone = 1\nend-if =\nx = 1\n");
    CHECK(read_vassal_file(path).settings.size() == 2);
    CHECK(read_in_child({path}, ::geteuid())[0].settings.size() == 1);
  }

  TEST_CASE("reader: HOME is the owner's unless the caller has another") {
    const TempDir dir;
    const auto path = dir.put("a.ini", "[uwsgi]\nx = $(HOME)\n");
    const auto* user = ::getpwuid(::geteuid());
    if (user != nullptr)
      CHECK(read_in_child({path}, ::geteuid())[0].settings[0].value == user->pw_dir);
  }

  TEST_CASE("reader: many large answers pass through the pipe") {
    const TempDir dir;
    std::string text = "[uwsgi]\n";
    for (int i = 0; i < 3000; ++i)
      text += "key" + std::to_string(i) + " = " + std::string(100, 'v') + "\n";
    const auto path = dir.put("large.ini", text);
    const auto results = read_in_child({path, path, path}, ::geteuid());
    REQUIRE(results.size() == 3);
    CHECK(results[2].settings.size() == 3000);
  }

  TEST_CASE("reader: the child sees only what the owner may see") {
    if (::geteuid() != 0) return;
    const TempDir dir;
    REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
    const auto secret = dir.put("secret", "root only");
    REQUIRE(::chmod(secret.c_str(), 0600) == 0);
    const auto own = dir.put("own.ini", "[uwsgi]\na = @(secret)\nu = %u\ng = %g\n");
    REQUIRE(::chown(own.c_str(), kSomebody, kSomebody) == 0);
    const auto unreadable = dir.put("unreadable.ini", "[uwsgi]\na = 1\n");
    REQUIRE(::chmod(unreadable.c_str(), 0600) == 0);
    const auto results = read_in_child({own, unreadable}, kSomebody);
    REQUIRE(results.size() == 2);
    REQUIRE(results[0].first_error() != nullptr);
    CHECK(results[0].first_error()->message() ==
          own + ":2: cannot insert 'secret': open: Permission denied");
    CHECK(results[0].settings[1].value == std::to_string(kSomebody));
    CHECK(results[0].settings[2].value == std::to_string(kSomebody));
    CHECK(results[1].first_error()->message() ==
          unreadable + ": cannot be read: open: Permission denied");
  }

  TEST_CASE("reader: links are taken only where that is allowed") {
    const TempDir dir;
    dir.put("real.ini", "[uwsgi]\nx = %n\n");
    REQUIRE(::symlink((dir / "real.ini").c_str(), (dir / "link.ini").c_str()) == 0);
    CHECK(read_vassal_file(dir / "link.ini").first_error()->text ==
          "cannot be read: it is a symbolic link");
    const auto followed =
        read_vassal_file(dir / "link.ini", {.links = base::Links::follow});
    CHECK(followed.first_error() == nullptr);
    CHECK(followed.settings[0].value == "link");
  }

  TEST_CASE("reader: a child that is killed leaves its results so far") {
    const TempDir dir;
    const auto path = dir.put("a.ini", "[uwsgi]\na = 1\n");
    auto child = start_reader({path}, ::geteuid(), ::getegid());
    REQUIRE(child);
    REQUIRE(child->process.signal(SIGKILL));
    const auto results = finish_reader(*std::move(child));
    REQUIRE(results);
    CHECK(results->size() <= 1);
  }

  TEST_CASE("reader: presets stand in front and are placeholders") {
    const TempDir dir;
    const auto path = dir.put("a.ini", "[uwsgi]\nx = %(vassal-name)\n");
    const auto result =
        read_vassal_file(path, {.preset = {{"vassal-name", "alice/site"}}});
    CHECK(result.settings[0].placeholder);
    CHECK(result.settings[1].value == "alice/site");
  }

  TEST_CASE("reader: magic variables in presets speak of the file") {
    const TempDir dir;
    const auto path = dir.put("site.ini", "[uwsgi]\nx = %(where)\n");
    const auto result = read_vassal_file(path, {.preset = {{"where", "/run/%n.sock"}}});
    REQUIRE(result.settings.size() == 2);
    CHECK(result.settings[0].origin.file == vassal::kPresetOrigin);
    CHECK(result.settings[1].value == "/run/site.sock");
  }

  TEST_CASE("reader: the address of an on-demand socket beside the file") {
    const TempDir dir;
    const auto path = dir.put("site.ini", "[uwsgi]\nchmod-socket = 660\n");
    const vassal::ReadOptions options{.on_demand_extension = ".socket"};
    CHECK(read_vassal_file(path, options).settings.size() == 1);
    dir.put("site.ini.socket", "\n");
    CHECK(read_vassal_file(path, options).settings.size() == 1);
    dir.put("site.ini.socket", "/run/site.sock\nnonsense");
    const auto result = read_vassal_file(path, options);
    REQUIRE(result.settings.size() == 4);
    CHECK(result.settings[0].key == "chmod-socket");
    CHECK(result.settings[1].value == "/run/site.sock");
    CHECK(result.settings[1].origin.text() == path + ".socket:1");
    CHECK(result.settings[2].key == "start");
    CHECK(result.settings[3].value == "660");
    CHECK(result.files.size() == 2);
  }
}
