#include "base/nearest.h"

#include <array>
#include <string>

#include <doctest/doctest.h>

TEST_SUITE("config") {
  TEST_CASE("nearest: mistyped names find what was meant, strange ones nothing") {
    constexpr std::array<std::string_view, 8> names = {
        "vacuum", "processes",    "master",      "uid",
        "gid",    "chmod-socket", "buffer-size", "domain"};
    struct Row {
      const char* wrong;
      const char* meant;
    };
    const Row rows[] = {{"vaccum", "vacuum"},
                        {"vacum", "vacuum"},
                        {"process", "processes"},
                        {"proesses", "processes"},
                        {"guid", "uid"},
                        {"mater", "master"},
                        {"buffer_size", "buffer-size"},
                        {"chmod_socket", "chmod-socket"},
                        {"socket-chmod", ""},
                        {"port", ""},
                        {"customer", ""},
                        {"", ""},
                        {"x", ""},
                        {"doamin", "domain"}};
    for (const Row& row : rows) {
      CAPTURE(row.wrong);
      CHECK(base::nearest_name(row.wrong, names) == row.meant);
    }
    CHECK(base::nearest_name(std::string(100000, 'v'), names).empty());
  }

  TEST_CASE("nearest: distances count swaps once") {
    CHECK(base::edit_distance("", "") == 0);
    CHECK(base::edit_distance("", "abc") == 3);
    CHECK(base::edit_distance("abc", "acb") == 1);
    CHECK(base::edit_distance("abc", "xbcd") == 2);
    CHECK(base::edit_distance("kitten", "sitting") == 3);
  }
}
