#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "emperor/log_files.h"
#include "emperor/log_format.h"
#include "emperor/log_limits.h"
#include "emperor/log_lines.h"
#include "emperor/log_settings.h"
#include "tests/support/temp_dir.h"

using namespace std::chrono_literals;
using emperor::FileFacts;
using emperor::Fit;
using emperor::LineSplitter;
using emperor::LogRate;
using emperor::LogSettings;
using emperor::RotationLimit;
using emperor::WallClock;

namespace {

struct Split {
  explicit Split(size_t longest = LineSplitter::kLongest) : splitter(longest) {}
  void feed(std::string_view bytes) {
    splitter.feed(bytes, [this](std::string_view line) { lines.emplace_back(line); });
  }
  void flush() {
    splitter.flush([this](std::string_view line) { lines.emplace_back(line); });
  }
  LineSplitter splitter;
  std::vector<std::string> lines;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("log lines: the same whether bytes come together or one by one") {
    const std::string text = "one\n\ntwo\nthree";
    Split whole, single;
    whole.feed(text);
    for (const char c : text)
      single.feed({&c, 1});
    CHECK(whole.lines == Lines{"one", "", "two"});
    CHECK(single.lines == whole.lines);
    CHECK(whole.splitter.partial());
    whole.flush();
    CHECK(whole.lines.back() == "three");
    CHECK_FALSE(whole.splitter.partial());
  }

  TEST_CASE("log lines: what never ends comes in pieces of the bound") {
    Split split(4);
    split.feed("abcdefghij");
    CHECK(split.lines == Lines{"abcd", "efgh"});
    split.feed("\nk\n");
    CHECK(split.lines == Lines{"abcd", "efgh", "ij", "k"});
  }

  TEST_CASE(
      "log lines: the end of a line that was handed on after a pause makes no other") {
    Split split;
    split.feed("abc");
    split.flush();
    split.feed("\nd");
    split.flush();
    split.feed("e\n\n");
    CHECK(split.lines == Lines{"abc", "d", "e", ""});
  }

  TEST_CASE("log lines: one of exactly the bound is one line") {
    Split split(4);
    split.feed("abcd\nefgh\n");
    CHECK(split.lines == Lines{"abcd", "efgh"});
  }

  TEST_CASE("log rate: a burst, then as much as the time allows") {
    LogRate rate;
    rate.set({.bytes = 0, .lines = 10});
    base::Instant now{1h};
    int taken = 0;
    for (int i = 0; i < 100; ++i)
      taken += rate.take(100, now) ? 1 : 0;
    CHECK(taken == 50);
    now += 100ms;
    CHECK(rate.take(1, now));
    CHECK_FALSE(rate.take(1, now));
    now += 1h;
    for (taken = 0; rate.take(1, now);)
      ++taken;
    CHECK(taken == 50);
  }

  TEST_CASE("log rate: bytes are owed by the line that went over") {
    LogRate rate;
    rate.set({.bytes = 1000, .lines = 0});
    base::Instant now{1h};
    CHECK(rate.take(6000, now));
    CHECK_FALSE(rate.take(1, now));
    CHECK_FALSE(rate.take(1, now + 500ms));
    CHECK(rate.take(1, now + 1500ms));
  }

  TEST_CASE("log rate: an empty line is not free") {
    LogRate rate;
    rate.set({.bytes = 640, .lines = 0});
    int taken = 0;
    while (rate.take(0, base::Instant{1h}))
      ++taken;
    CHECK(taken == 50);
  }

  TEST_CASE("log rate: without a bound everything is taken") {
    LogRate rate;
    rate.set({});
    CHECK(rate.take(size_t{1} << 40, base::Instant{1h}));
  }

  TEST_CASE("log rotation: by size, by age, and not while a fresh file is awaited") {
    const base::Instant now{1h};
    const WallClock::time_point today{1000h};
    const RotationLimit limit{.size = 100, .age = 1h};
    FileFacts file{.size = 50, .born = today, .asked = false, .may_rotate_from = now};
    CHECK(emperor::fits(file, limit, 50, now, today) == Fit{false, true});
    CHECK(emperor::fits(file, limit, 51, now, today) == Fit{true, true});
    CHECK(emperor::fits(file, limit, 1, now, today + 1h) == Fit{true, true});
    CHECK(emperor::fits(file, {}, 1 << 30, now, today + 1000h) == Fit{false, true});
    SUBCASE("an empty file stays, whatever its age") {
      file.size = 0;
      CHECK(emperor::fits(file, limit, 500, now, today + 2h) == Fit{false, true});
    }
    SUBCASE("it was asked for") {
      file.asked = true;
      CHECK(emperor::fits(file, limit, 100, now, today) == Fit{false, true});
      CHECK(emperor::fits(file, limit, 151, now, today) == Fit{false, false});
    }
    SUBCASE("not too often") {
      file.may_rotate_from = now + 1s;
      CHECK(emperor::fits(file, limit, 100, now, today) == Fit{false, true});
      CHECK(emperor::fits(file, limit, 100, now + 1s, today) == Fit{true, true});
    }
  }

  TEST_CASE("log format: what a tenant wrote breaks neither JSON nor journald's fields") {
    std::string out;
    const WallClock::time_point now{};
    emperor::LineEncoder json(emperor::LogEncoding::json, "", "a/b");
    json.append(out, "say \"\x01\xff\"", now);
    CHECK(
        out.find("\"vassal\":\"a/b\",\"line\":\"say \\\"\\u0001\xef\xbf\xbd\\\"\"}\n") !=
        out.npos);
    CHECK(emperor::journald_entry("a\nPRIORITY=0", "text") ==
          "PRIORITY=6\nSYSLOG_IDENTIFIER=a_PRIORITY=0\nIMPERIUM_VASSAL=a\\x0aPRIORITY=0\n"
          "MESSAGE=text\n");
    CHECK(emperor::syslog_local("a b:c", "text", now).starts_with("<14>"));
    CHECK(emperor::syslog_local("a b:c", "text", now).ends_with(" a_b_c: text"));
    CHECK(emperor::syslog_remote("host", "site", "text", now).starts_with("<14>1 "));
    CHECK(emperor::syslog_remote("host", "site", "text", now)
              .ends_with(" host site - - - text"));
  }

  TEST_CASE("log format: text is as it was, with a date in front if wanted") {
    std::string out;
    emperor::LineEncoder(emperor::LogEncoding::text, "", "a").append(out, "x\ty", {});
    CHECK(out == "x\ty\n");
    out.clear();
    emperor::LineEncoder(emperor::LogEncoding::text, "day", "a").append(out, "x", {});
    CHECK(out == "day - x\n");
  }

  TEST_CASE(
      "log format: each second gets a date of its own, each line its microseconds") {
    emperor::LineEncoder text(emperor::LogEncoding::text, "%S", "a");
    emperor::LineEncoder json(emperor::LogEncoding::json, "", "a");
    std::string out, objects;
    for (const auto now : {0ms, 999ms, 1000ms}) {
      text.append(out, "x", WallClock::time_point{now});
      json.append(objects, "x", WallClock::time_point{now});
    }
    CHECK(out == "00 - x\n00 - x\n01 - x\n");
    CHECK(objects.find(":00.999000") != objects.npos);
    CHECK(objects.find(":01.000000") != objects.npos);
  }

  TEST_CASE("log files: of vassals that are gone only the latest stay") {
    namespace fs = std::filesystem;
    const support::TempDir dir;
    const std::string directory = dir.path();
    const auto written = fs::file_time_type::clock::now();
    int age = 0;
    for (const char* name : {"here.log", "here.log.1", "new.log", "new.log.1", "mid.log",
                             "old.log", "old.log.2", "other"}) {
      const fs::path path = fs::path(directory) / name;
      std::ofstream(path) << "x";
      fs::last_write_time(path, written - std::chrono::hours(++age));
    }
    emperor::remove_old_logs(directory, {"here.log"}, 2);
    std::set<std::string> left;
    for (const auto& entry : fs::directory_iterator(directory))
      left.insert(entry.path().filename());
    CHECK(left ==
          std::set<std::string>{"here.log", "here.log.1", "mid.log", "new.log", "other"});
  }

  TEST_CASE("log settings: all files of one vassal stay within the space") {
    vassal::VassalConfig config;
    config.log_maxsize = 0;
    config.log_keep = 100;
    const auto unbounded = emperor::log_settings("a", config, "/logs/a.log", 1 << 20);
    CHECK(unbounded.rotation.size == 1 << 19);
    CHECK(unbounded.keep == 0);
    config.log_maxsize = 1 << 18;
    const auto small = emperor::log_settings("a", config, "/logs/a.log", 1 << 20);
    CHECK(small.rotation.size == 1 << 18);
    CHECK(small.keep == 2);
    config.logto = "/home/a/log";
    const auto own = emperor::log_settings("a", config, "/logs/a.log", 1 << 20);
    CHECK(own.path == "/home/a/log");
    CHECK(own.keep == 100);
  }

  TEST_CASE("log settings: a message carries all of them") {
    vassal::VassalConfig config;
    config.loggers = {"journald", "syslog"};
    config.log_json = true;
    config.log_date = "%H";
    config.log_rate_lines = 7;
    config.log_max_age = 60s;
    const auto settings = emperor::log_settings("a", config, "/logs/a.log", 1 << 30);
    CHECK_FALSE(settings.file);
    wire::Message message{"stream", {}};
    emperor::write_fields(settings, &message);
    CHECK(emperor::read_fields(message) == settings);
  }
}
