#include "vassal/touches.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <doctest/doctest.h>

#include "base/files.h"
#include "tests/support/temp_dir.h"

namespace fs = std::filesystem;
using vassal::Touch;
using vassal::Touches;

namespace {

struct Folder {
  std::string file(const char* name) const { return (path / name).string(); }
  support::TempDir dir = {};
  fs::path path = dir.path();
};

bool told(const Touches& touches) {
  pollfd wait{touches.fd(), POLLIN, 0};
  return ::poll(&wait, 1, 1000) == 1;
}

void touch(const std::string& path, int64_t second) {
  const timespec times[] = {{second, 0}, {second, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_SUITE("vassal") {
  TEST_CASE(
      "touches: a change, an appearance, a disappearance and a replacement are told") {
    const Folder folder;
    const std::string here = folder.file("here");
    const std::string later = folder.file("later");
    REQUIRE(base::write_file(here, "1"));
    touch(here, 1000);
    vassal::VassalConfig config;
    config.touch_reload = {here};
    config.touch_workers_reload = {later};
    Touches touches;
    touches.open(config);
    CHECK_FALSE(touches.next());
    const base::Instant now{};
    CHECK(touches.look(now).empty());

    touch(here, 2000);
    REQUIRE(told(touches));
    auto found = touches.look(now);
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == here);
    CHECK(found[0].wish == Touch::Wish::reload);

    REQUIRE(base::write_file(later, "1"));
    REQUIRE(told(touches));
    found = touches.look(now);
    REQUIRE(found.size() == 1);
    CHECK(found[0].wish == Touch::Wish::workers);
    touch(later, 3000);
    REQUIRE(told(touches));
    CHECK(touches.look(now).size() == 1);

    REQUIRE(base::write_file(here, "2"));  // by rename
    REQUIRE(told(touches));
    CHECK(touches.look(now).size() == 1);
    touch(here, 4000);
    REQUIRE(told(touches));
    CHECK(touches.look(now).size() == 1);

    fs::remove(here);
    REQUIRE(told(touches));
    CHECK(touches.look(now).size() == 1);
    CHECK(touches.look(now).empty());
  }

  TEST_CASE("touches: a change of the mode alone is none") {
    const Folder folder;
    REQUIRE(base::write_file(folder.file("a"), "1"));
    vassal::VassalConfig config;
    config.touch_reload = {folder.file("a")};
    Touches touches;
    touches.open(config);
    REQUIRE(::chmod(folder.file("a").c_str(), 0600) == 0);
    REQUIRE(told(touches));
    CHECK(touches.look({}).empty());
  }

  TEST_CASE("touches: where nothing can be watched, it is looked every second") {
    const Folder folder;
    vassal::VassalConfig config;
    config.touch_reload = {folder.file("none/such")};
    Touches touches;
    touches.open(config);
    REQUIRE(touches.next());
    fs::create_directory(folder.path / "none");
    REQUIRE(base::write_file(folder.file("none/such"), "1"));
    CHECK(touches.look(*touches.next()).size() == 1);
  }

  TEST_CASE("touches: without files nothing is watched") {
    Touches touches;
    touches.open({});
    CHECK(touches.fd() == -1);
    CHECK_FALSE(touches.next());
  }
}
