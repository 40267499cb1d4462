#include "router/ini_names.h"

#include <doctest/doctest.h>

TEST_SUITE("router") {
  TEST_CASE("ini names: names of uWSGI's routers are ours, or it is said why not") {
    const auto knows = [](const std::string& name) {
      for (const char* known :
           {"fastrouter", "router-http", "fastrouter-to", "fastrouter-processes",
            "fastrouter-subscription-server", "http-timeout"})
        if (name == known) return true;
      return false;
    };
    struct Row {
      const char* theirs;
      const char* ours;
    };
    for (const Row& row : {Row{"fastrouter", "fastrouter"},
                           {"http", "router-http"},
                           {"http-to", "fastrouter-to"},
                           {"http-subscription-server", "fastrouter-subscription-server"},
                           {"http-workers", "fastrouter-processes"},
                           {"fastrouter-workers", "fastrouter-processes"},
                           {"http-timeout", "http-timeout"},
                           {"fastrouter-zerg", ""},
                           {"http-use-code-string", ""},
                           {"http-keepalive", ""},
                           {"nonsense", ""}}) {
      CAPTURE(row.theirs);
      const auto name = router::own_name(row.theirs, knows);
      CHECK(name.own == row.ours);
      CHECK(name.reason.empty() == (*row.ours != '\0'));
    }
  }
}
