// OpenVisit: one connection of a crowd, from its first byte to its last.
//
// A small machine over Serving that never waits: each event and each deadline moves it
// on. It says when it wants to hear of what (interest), and the crowd asks the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vassal/serving.h"

namespace vassal {

class OpenVisit;

/// What a visit asks of the crowd that it belongs to.
class VisitKeeper {
 public:
  virtual ~VisitKeeper() = default;
  /// Its interest may have changed.
  virtual void arm(OpenVisit& visit) = 0;
  /// The request is whole and counts from now on; it no longer does.
  virtual void begun(OpenVisit& visit) = 0;
  virtual void ended(OpenVisit& visit) = 0;
  /// From `since_ns` on, on the monotonic clock, the application is at work for it: what
  /// harakiri counts. 0: it waits for the visitor, or is through.
  virtual void at_work(OpenVisit& visit, uint64_t since_ns) = 0;
  /// Nobody needs it any more: it is destroyed.
  virtual void forget(OpenVisit& visit) = 0;
};

class OpenVisit final : public Visit {
 public:
  enum class Stage : uint8_t {
    packet,     ///< the packet comes in
    served,     ///< by the runtime
    flushing,   ///< the answer is whole, not yet taken
    lingering,  ///< taken; what the visitor still sends is dropped
    closed
  };

  OpenVisit(const Bench& bench, VisitKeeper& keeper, uint64_t id);

  uint64_t id() const { return id_; }
  uint64_t began_ns() const { return began_ns_; }
  /// As the keeper was told last.
  uint64_t at_work_since() const { return since_ns_; }
  Stage stage() const { return stage_; }
  bool released() const { return released_; }
  Serving& serving() { return serving_; }

  /// Takes what has arrived, `bytes` of the packet included. False: nothing of it is
  /// served.
  bool open(Arrival arrival, std::string_view bytes);

  /// Events of epoll that it waits for now, one time.
  struct Interest {
    bool any = false;
    uint32_t events = 0;
  };
  Interest interest() const;
  /// True if the runtime is to be told.
  bool on_events(uint32_t events);
  bool on_time(base::Instant now);

  /// What the kernel was asked (the crowd's notes).
  bool known_to_epoll = false;

  Exchange& exchange() override { return serving_; }
  bool two_way() const override;
  void watch(Watch what) override;
  uint64_t push() override;
  bool gone() const override {
    return gone_ || stage_ == Stage::closed || writer().error() != 0;
  }
  void switched() override;
  ssize_t receive(char* into, size_t size) override;
  int send(std::string_view data) override;
  void close(Close how) override;
  void release() override;

 private:
  const ResponseWriter& writer() const {
    return const_cast<OpenVisit*>(this)->serving_.writer();
  }
  bool read_packet();
  bool begin();
  bool flush();
  void lose();
  void look_who_is_waited_for();
  bool on_served(uint32_t events);
  void drop_rest();
  void go_on();
  void end();
  bool refuse(const char* why);

  const Bench& bench_;
  VisitKeeper& keeper_;
  uint64_t id_;
  Serving serving_;
  Arrival arrival_;  // without its connection
  std::string bytes_;
  uint64_t began_ns_ = 0;
  uint64_t since_ns_ = 0;
  uint64_t worked_ns_ = 0;  // before that
  base::Deadline read_by_;
  base::Deadline send_by_;
  uint64_t unsent_ = 0;  // at the last look
  Stage stage_ = Stage::packet;
  bool watches_ = false;
  Watch watched_ = Watch::read;
  bool tcp_ = false;
  bool gone_ = false;
  bool switched_ = false;
  bool released_ = false;
};

}  // namespace vassal
