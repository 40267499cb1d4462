#include "vassal/static_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <doctest/doctest.h>

#include "base/files.h"
#include "tests/support/temp_dir.h"

using vassal::StaticMap;

namespace {

/// A directory with a few files, gone at the end.
struct Site {
  Site() {
    std::filesystem::create_directories(root / "files/sub");
    (void)base::write_file(root / "files/a.css", "body {}");
    (void)base::write_file(root / "files/sub/b.PNG", "png");
    (void)base::write_file(root / "secret", "no");
    std::filesystem::create_symlink("../secret", root / "files/out");
    std::filesystem::create_symlink("a.css", root / "files/in.css");
    ::mkfifo((root / "files/pipe").c_str(), 0600);
  }
  std::optional<vassal::StaticFile> find(std::string_view path,
                                         std::string_view method = "GET") {
    vassal::Request r;
    r.method = method;
    r.path_info = path;
    const StaticMap maps[] = {{"/files", root / "files"}, {"/one.txt", root / "secret"}};
    return vassal::find_static(r, maps);
  }

  support::TempDir dir = {};
  std::filesystem::path root = dir.path();
};

}  // namespace

TEST_SUITE_BEGIN("vassal");

TEST_CASE("static files: found beneath their directory") {
  Site site;
  const auto css = site.find("/files/a.css");
  REQUIRE(css);
  CHECK(css->size == 7);
  CHECK(css->type == "text/css");
  CHECK(site.find("/files/sub/b.PNG")->type == "image/png");
  CHECK(site.find("/files//a.css"));
  CHECK(site.find("/files/in.css"));
  CHECK(site.find("/one.txt")->size == 2);
  CHECK(site.find("/files/a.css", "HEAD"));
}

TEST_CASE("static files: nothing else") {
  Site site;
  for (const char* path :
       {"/files", "/files/", "/files/none", "/files/sub", "/files/../secret",
        "/files/out", "/files/pipe", "/filesa.css", "/", "", "/files/a.css/x"})
    CHECK_MESSAGE(!site.find(path), path);
  CHECK(!site.find(std::string_view("/files/a.css\0x", 14)));
  CHECK(!site.find("/files/a.css", "POST"));
}

TEST_CASE("static files: dates there and back") {
  CHECK(vassal::http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(vassal::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(!vassal::parse_http_date("yesterday"));
  CHECK(!vassal::parse_http_date(""));
}

TEST_SUITE_END();
