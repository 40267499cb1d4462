// The life of vassals, from files to orders, without any process.
#include <doctest/doctest.h>

#include "emperor_world.h"

using namespace std::chrono_literals;
using emperor::State;
using emperor::test::EmperorWorld;

namespace {
/// A vassal "blog" that serves.
EmperorWorld serving() {
  EmperorWorld w;
  w.write("blog", "one");
  w.rescan();
  w.become_ready("blog");
  CHECK(w.journal() == "start blog 1\n");
  w.expect_state("blog", State::ready);
  return w;
}
}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("life: a new file starts a generation, which is ready when it says so") {
    EmperorWorld w;
    w.write("blog", "one");
    w.rescan();
    w.expect_state("blog", State::starting);
    w.become_ready("blog");
    w.expect_state("blog", State::ready);
    CHECK(w.life("blog").current() == 1);
  }

  TEST_CASE(
      "life: a changed file starts the next generation, the old one drains when it is "
      "ready") {
    EmperorWorld w = serving();
    w.write("blog", "two");
    w.rescan();
    CHECK(w.journal() == "start blog 2\n");
    w.expect_state("blog", State::reloading);
    CHECK(w.life("blog").current() == 1);
    w.become_ready("blog");
    CHECK(w.journal() == "drain blog 1\n");
    w.die("blog", 1);
    w.expect_state("blog", State::ready);
    CHECK(w.life("blog").current() == 2);
    CHECK(w.life("blog").restarts() == 0);
  }

  TEST_CASE("life: a touched file with the same content changes nothing") {
    EmperorWorld w = serving();
    w.touch("blog");
    w.rescan();
    CHECK(w.journal().empty());
  }

  TEST_CASE("life: a next generation that fails is dropped, the old one goes on") {
    EmperorWorld w = serving();
    w.write("blog", "two");
    w.rescan();
    w.fail("blog");
    CHECK(w.journal() == "start blog 2\nkill blog 2\n");
    w.expect_state("blog", State::ready);
    CHECK(w.life("blog").current() == 1);
    w.die("blog", 2);
    w.expect_state("blog", State::ready);
    CHECK(w.life("blog").restarts() == 1);
  }

  TEST_CASE(
      "life: a broken file leaves the old generation serving, and is nothing to a new "
      "vassal") {
    EmperorWorld w = serving();
    w.write("blog", "bad");
    w.write("shop", "bad");
    w.rescan();
    w.expect_state("blog", State::ready);
    w.expect_state("shop", State::rejected);
    CHECK(w.journal().empty());
    w.write("shop", "good now");
    w.rescan();
    CHECK(w.journal() == "start shop 1\n");
  }

  TEST_CASE("life: a removed file drains, then everything is given back") {
    EmperorWorld w = serving();
    w.remove("blog");
    w.rescan();
    CHECK(w.journal() == "drain blog 1\n");
    w.expect_state("blog", State::draining);
    w.die("blog", 1);
    CHECK(w.journal() == "forget blog\n");
    CHECK_FALSE(w.knows("blog"));
  }

  TEST_CASE("life: a file that comes back while its vassal drains starts anew") {
    EmperorWorld w = serving();
    w.remove("blog");
    w.rescan();
    w.write("blog", "again");
    w.rescan();
    CHECK(w.journal() == "drain blog 1\nstart blog 2\n");
    w.die("blog", 1);
    w.expect_state("blog", State::starting);
    w.become_ready("blog");
    w.expect_state("blog", State::ready);
  }

  TEST_CASE("life: a file that is removed while its vassal starts kills what starts") {
    EmperorWorld w;
    w.write("blog", "one");
    w.rescan();
    w.remove("blog");
    w.rescan();
    CHECK(w.journal() == "start blog 1\nkill blog 1\n");
    w.die("blog", 1);
    CHECK(w.journal() == "forget blog\n");
  }

  TEST_CASE(
      "life: one that dies after it served comes back at once, then waits longer and "
      "longer") {
    EmperorWorld w = serving();
    w.advance(1s);
    w.die("blog");
    CHECK(w.journal() == "wait blog 0ms\n");
    w.advance(0s);
    CHECK(w.journal() == "start blog 2\n");
    w.die("blog", 2);
    CHECK(w.journal() == "wait blog 1000ms\n");
    w.expect_state("blog", State::backoff);
    w.advance(999ms);
    CHECK(w.journal().empty());
    w.advance(1ms);
    CHECK(w.journal() == "start blog 3\n");
    w.die("blog", 3);
    CHECK(w.journal() == "wait blog 2000ms\n");
  }

  TEST_CASE("life: a long healthy life forgives everything") {
    EmperorWorld w;
    w.write("blog", "one");
    w.rescan();
    w.die("blog", 1);
    w.advance(1h);
    w.become_ready("blog");
    w.advance(10s);
    w.journal();
    w.die("blog");
    CHECK(w.journal() == "wait blog 0ms\n");
  }

  TEST_CASE("life: a changed file and the operator's start end a backoff") {
    EmperorWorld w;
    w.write("blog", "one");
    w.rescan();
    w.die("blog", 1);
    CHECK(w.journal() == "start blog 1\nwait blog 500ms\n");
    SUBCASE("changed") {
      w.write("blog", "two");
      w.rescan();
    }
    SUBCASE("started") {
      w.start("blog");
    }
    CHECK(w.journal() == "start blog 2\n");
    w.die("blog", 2);
    CHECK(w.journal() == "wait blog 500ms\n");
  }

  TEST_CASE("life: the serving generation may die while the next one loads") {
    EmperorWorld w = serving();
    w.reload("blog");
    w.die("blog", 1);
    w.expect_state("blog", State::starting);
    w.become_ready("blog");
    w.expect_state("blog", State::ready);
    CHECK(w.journal() == "start blog 2\n");
  }

  TEST_CASE("life: a second change replaces a generation that is still loading") {
    EmperorWorld w = serving();
    w.write("blog", "two");
    w.rescan();
    w.write("blog", "three");
    w.rescan();
    CHECK(w.journal() == "start blog 2\nkill blog 2\nstart blog 3\n");
    w.become_ready("blog");
    CHECK(w.life("blog").current() == 3);
    CHECK(w.journal() == "drain blog 1\n");
  }

  TEST_CASE("life: what the operator stopped stays stopped until he starts it") {
    EmperorWorld w = serving();
    w.stop("blog");
    CHECK(w.journal() == "drain blog 1\n");
    w.write("blog", "two");
    w.rescan();
    w.die("blog", 1);
    w.expect_state("blog", State::stopped);
    w.write("blog", "three");
    w.rescan();
    CHECK(w.journal().empty());
    w.start("blog");
    CHECK(w.journal() == "start blog 2\n");
  }

  TEST_CASE("life: a stopped vassal whose file goes is forgotten") {
    EmperorWorld w = serving();
    w.stop("blog");
    w.die("blog", 1);
    w.journal();
    w.remove("blog");
    w.rescan();
    CHECK(w.journal() == "forget blog\n");
  }

  TEST_CASE("life: a reload or a start does not bring back a vassal whose file is gone") {
    EmperorWorld w = serving();
    w.remove("blog");
    w.rescan();
    CHECK(w.journal() == "drain blog 1\n");
    w.reload("blog");
    w.start("blog");
    w.expect_state("blog", State::draining);
    w.die("blog", 1);
    CHECK(w.journal() == "forget blog\n");
  }

  TEST_CASE("life: a reload does not start what the operator stopped and still drains") {
    EmperorWorld w = serving();
    w.stop("blog");
    w.journal();
    w.reload("blog");
    CHECK(w.journal().empty());
    w.die("blog", 1);
    w.expect_state("blog", State::stopped);
  }

  TEST_CASE(
      "life: a file that comes back broken while its vassal drains starts it once it is "
      "repaired") {
    EmperorWorld w = serving();
    w.remove("blog");
    w.rescan();
    w.write("blog", "bad");
    w.rescan();
    w.die("blog", 1);
    w.expect_state("blog", State::rejected);
    w.journal();
    w.write("blog", "good");
    w.rescan();
    CHECK(w.journal() == "start blog 2\n");
  }

  TEST_CASE("life: an idle vassal sleeps, and the first request wakes it") {
    EmperorWorld w = serving();
    w.idle("blog");
    w.expect_state("blog", State::asleep);
    CHECK(w.journal() == "drain blog 1\n");
    w.die("blog", 1);
    w.expect_state("blog", State::asleep);
    w.request("blog");
    w.request("blog");
    CHECK(w.journal() == "start at once blog 2\n");
    w.become_ready("blog");
    w.expect_state("blog", State::ready);
  }

  TEST_CASE("life: a request that comes while the idle generation drains wakes it") {
    EmperorWorld w = serving();
    w.idle("blog");
    w.request("blog");
    CHECK(w.journal() == "drain blog 1\nstart at once blog 2\n");
    w.die("blog", 1);
    w.expect_state("blog", State::starting);
    w.become_ready("blog");
    CHECK(w.life("blog").current() == 2);
  }

  TEST_CASE("life: a lazy vassal sleeps from the beginning") {
    EmperorWorld w;
    w.write("blog", "lazy");
    w.rescan();
    w.expect_state("blog", State::asleep);
    CHECK(w.journal().empty());
    SUBCASE("and wakes for a request") {
      w.request("blog");
      CHECK(w.journal() == "start at once blog 1\n");
    }
    SUBCASE("and for the operator") {
      w.start("blog");
      CHECK(w.journal() == "start blog 1\n");
    }
    SUBCASE("but not for a reload") {
      w.reload("blog");
      w.expect_state("blog", State::asleep);
      CHECK(w.journal().empty());
    }
    SUBCASE("and goes without a trace") {
      w.remove("blog");
      w.rescan();
      CHECK(w.journal() == "forget blog\n");
    }
    SUBCASE("and can be stopped, and wakes no more then") {
      w.stop("blog");
      w.request("blog");
      w.expect_state("blog", State::stopped);
      CHECK(w.journal().empty());
    }
  }

  TEST_CASE("life: an edited sleeper sleeps on, unless it may not any more") {
    EmperorWorld w;
    w.write("blog", "lazy");
    w.rescan();
    w.write("blog", "sleepy");
    w.rescan();
    w.expect_state("blog", State::asleep);
    CHECK(w.journal().empty());
    w.write("blog", "always");
    w.rescan();
    CHECK(w.journal() == "start blog 1\n");
  }

  TEST_CASE("life: an edited lazy vassal that serves is reloaded") {
    EmperorWorld w;
    w.write("blog", "lazy");
    w.rescan();
    w.request("blog");
    w.become_ready("blog");
    w.journal();
    w.write("blog", "lazy two");
    w.rescan();
    CHECK(w.journal() == "start blog 2\n");
    w.expect_state("blog", State::reloading);
  }

  TEST_CASE("life: a wake that fails backs off, then is tried again for a request only") {
    EmperorWorld w;
    w.write("blog", "lazy");
    w.rescan();
    w.request("blog");
    w.die("blog", 1);
    CHECK(w.journal() == "start at once blog 1\nwait blog 500ms\n");
    w.expect_state("blog", State::backoff);
    CHECK(w.life("blog").did_not_start());
    w.advance(500ms);
    w.expect_state("blog", State::asleep);
    CHECK(w.journal().empty());
    w.request("blog");
    w.die("blog", 2);
    CHECK(w.journal() == "start at once blog 2\nwait blog 1000ms\n");
    SUBCASE("an edit forgives") {
      w.write("blog", "lazy two");
      w.rescan();
      w.expect_state("blog", State::asleep);
      w.request("blog");
      w.die("blog", 3);
      CHECK(w.journal() == "start at once blog 3\nwait blog 500ms\n");
    }
    SUBCASE("the next emperor goes on with the wait") {
      w.adopt("blog");
      w.advance(999ms);
      w.expect_state("blog", State::backoff);
      w.advance(1ms);
      w.expect_state("blog", State::asleep);
      w.request("blog");
      w.die("blog", 3);
      CHECK(w.journal() == "start at once blog 3\nwait blog 2000ms\n");
    }
  }

  TEST_CASE("life: one that may sleep and dies while it serves comes back at once") {
    EmperorWorld w;
    w.write("blog", "sleepy");
    w.rescan();
    w.become_ready("blog");
    w.advance(1s);
    w.die("blog");
    w.advance(0s);
    CHECK(w.journal() == "start blog 1\nwait blog 0ms\nstart blog 2\n");
  }

  TEST_CASE("life: one that ended of its own will rests until somebody asks for it") {
    EmperorWorld w = serving();
    w.advance(1s);
    w.leave("blog");
    CHECK(w.life("blog").restarts() == 0);
    w.advance(0s);
    w.expect_state("blog", State::asleep);
    CHECK(w.journal() == "wait blog 0ms\n");
    SUBCASE("a request") {
      w.request("blog");
      CHECK(w.journal() == "start at once blog 2\n");
      w.become_ready("blog");
      w.leave("blog");
      CHECK(w.journal() == "wait blog 1000ms\n");
    }
    SUBCASE("a change") {
      w.write("blog", "two");
      w.rescan();
      CHECK(w.journal() == "start blog 2\n");
    }
    SUBCASE("the operator") {
      w.start("blog");
      CHECK(w.journal() == "start blog 2\n");
    }
  }

  TEST_CASE("life: reports of generations that are no longer meant change nothing") {
    EmperorWorld w = serving();
    emperor::Life life = w.life("blog");
    const base::Instant now{2h};
    CHECK(life.on_ready(1, now).empty());
    CHECK(life.on_ready(7, now).empty());
    CHECK(life.on_failed(1, now, 0.5).empty());
    CHECK(life.on_gone(7, emperor::End::crashed, now, 0.5).empty());
    CHECK(life.state() == State::ready);
  }

  TEST_CASE("life: the broken file of a vassal in backoff rejects it") {
    EmperorWorld w;
    w.write("blog", "one");
    w.rescan();
    w.die("blog", 1);
    w.write("blog", "bad");
    w.rescan();
    w.expect_state("blog", State::rejected);
    w.advance(1h);
    w.expect_state("blog", State::rejected);
  }

  TEST_CASE("table: every state answers every event with a state that has a name") {
    for (int s = 0; s < emperor::kStates; ++s)
      for (int e = 0; e < emperor::kEvents; ++e) {
        const auto& step =
            emperor::step(static_cast<State>(s), static_cast<emperor::Event>(e));
        CHECK_FALSE(name_of(step.next).empty());
        CHECK_FALSE(name_of(static_cast<emperor::Event>(e)).empty());
      }
  }
}
