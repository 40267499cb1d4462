// EmperorWorld: the emperor's decisions without an emperor. Files that only exist here,
// children that are only pretended, time that moves when the test moves it, and a journal
// of every order.
//
// Drives reconcile + Life: w.write("blog", "..."), w.rescan(), w.become_ready("blog"),
// w.die("blog"), w.advance(30s), w.expect_state("blog", State::backoff).
#pragma once

#include <map>
#include <source_location>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "emperor/life.h"
#include "emperor/reconcile.h"

namespace emperor::test {

class EmperorWorld {
 public:
  /// Content "bad..." cannot be used; anything else can. "lazy..." starts when somebody
  /// asks for it, "sleepy..." may sleep.
  void write(const std::string& name, const std::string& content) {
    files_[name] = {content, ++version_};
  }
  /// A new identity, the same content.
  void touch(const std::string& name) { files_[name].version = ++version_; }
  void remove(const std::string& name) { files_.erase(name); }

  void rescan() {
    std::vector<Listed> listing;
    for (const auto& [name, file] : files_)
      listing.push_back({path(name), name, 0, identity(file)});
    for (const auto& change : reconcile(listing, 0, known_))
      apply(change);
  }
  void start(const std::string& name) { happen(name, Event::start); }
  void stop(const std::string& name) { happen(name, Event::stop); }
  void reload(const std::string& name) { happen(name, Event::reload); }
  void request(const std::string& name) { happen(name, Event::request); }
  void idle(const std::string& name) { happen(name, Event::idle); }

  /// The generation that is being started is ready.
  void become_ready(const std::string& name) {
    carry_out(name, lives_.at(name).on_ready(*lives_.at(name).next(), now_));
  }
  /// It says that it cannot start, or was too slow.
  void fail(const std::string& name) {
    carry_out(name, lives_.at(name).on_failed(*lives_.at(name).next(), now_, 0.5));
  }
  /// A generation's processes are all gone: the serving one, unless another is named.
  void die(const std::string& name) { die(name, *lives_.at(name).current()); }
  void die(const std::string& name, uint64_t generation) {
    carry_out(name, lives_.at(name).on_gone(generation, End::crashed, now_, 0.5));
  }
  /// The serving one exits with 0.
  void leave(const std::string& name) {
    const uint64_t generation = *lives_.at(name).current();
    carry_out(name, lives_.at(name).on_gone(generation, End::on_purpose, now_, 0.5));
  }

  void advance(base::Duration d) {
    now_ += d;
    for (auto& [name, life] : lives_)
      carry_out(name, life.on_due(may_sleep(name), now_));
  }
  /// Another emperor takes over.
  void adopt(const std::string& name) {
    Life next;
    next.resume(lives_.at(name).summary(), now_);
    lives_.at(name) = next;
  }

  const Life& life(const std::string& name) const { return lives_.at(name); }
  bool knows(const std::string& name) const { return lives_.contains(name); }
  void expect_state(const std::string& name,
                    State state,
                    std::source_location where = std::source_location::current()) const {
    CAPTURE(where.line());
    REQUIRE(knows(name));
    CHECK(name_of(lives_.at(name).state()) == name_of(state));
  }
  /// What was ordered since the last call, one line each: "start blog 1\n".
  std::string journal() { return std::exchange(journal_, {}); }

 private:
  struct File {
    std::string content;
    int64_t version = 0;
  };
  static std::string path(const std::string& name) { return "/v/" + name + ".ini"; }
  static FileIdentity identity(const File& file) {
    FileIdentity identity;
    identity.inode = 1;
    identity.mtime_ns = file.version;
    return identity;
  }

  void apply(const Change& change) {
    const std::string name = change.path.substr(3, change.path.size() - 7);
    if (change.kind == Change::Kind::removed) {
      known_.erase(change.path);
      return happen(name, Event::removed);
    }
    const File& file = files_.at(name);
    known_[change.path] = {name, 0, identity(file)};
    const bool same = std::exchange(read_[name], file.content) == file.content;
    if (same && lives_.contains(name)) return;
    const bool sleeps = lives_.contains(name) && lives_[name].state() == State::asleep;
    const bool lazy =
        file.content.starts_with("lazy") || (sleeps && may_sleep(name) == Lazy::yes);
    happen(name, file.content.starts_with("bad") ? Event::broken
                 : lazy                          ? Event::changed_lazy
                                                 : Event::changed);
  }
  Lazy may_sleep(const std::string& name) const {
    const auto found = read_.find(name);
    if (found == read_.end()) return Lazy::no;
    const bool may =
        found->second.starts_with("lazy") || found->second.starts_with("sleepy");
    return may ? Lazy::yes : Lazy::no;
  }
  void happen(const std::string& name, Event event) {
    carry_out(name, lives_[name].on(event, now_, 0.5));
  }
  void carry_out(const std::string& name, const std::vector<Order>& orders) {
    for (const Order& order : orders) {
      const std::string subject = name + " " + std::to_string(order.generation) + "\n";
      switch (order.kind) {
        case Order::Kind::start:
          journal_ += (order.urgent ? "start at once " : "start ") + subject;
          break;
        case Order::Kind::drain:
          journal_ += "drain " + subject;
          break;
        case Order::Kind::kill:
          journal_ += "kill " + subject;
          break;
        case Order::Kind::wait:
          journal_ += "wait " + name + " " +
                      std::to_string(order.wait / std::chrono::milliseconds(1)) + "ms\n";
          break;
        case Order::Kind::forget:
          journal_ += "forget " + name + "\n";
          read_.erase(name);
          lives_.erase(name);
          return;
      }
    }
  }

  std::map<std::string, File> files_;
  std::map<std::string, std::string> read_;
  std::map<std::string, Life> lives_;
  KnownFiles known_;
  std::string journal_;
  base::Instant now_{std::chrono::hours(1)};
  int64_t version_ = 0;
};

}  // namespace emperor::test
