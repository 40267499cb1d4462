#include "emperor/metrics.h"

#include <doctest/doctest.h>

TEST_SUITE("emperor") {
  TEST_CASE("metrics: a label's value cannot end itself") {
    CHECK(emperor::escaped_label("alice/site") == "alice/site");
    CHECK(emperor::escaped_label("a\"b\\c\nd") == "a\\\"b\\\\c\\nd");
  }

  TEST_CASE("metrics: an empty roster has states, and no vassal") {
    const emperor::Roster roster;
    const std::string page = emperor::metrics_text(roster, {});
    CHECK(page.find("imperium_vassals{state=\"ready\"} 0\n") != std::string::npos);
    CHECK(page.find("vassal=") == std::string::npos);
  }
}
