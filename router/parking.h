// Parking: requests that wait in the router because their vassal's belt is full. Pure.
//
// Each vassal has a line of its own, bounded in number; all lines share one budget of
// descriptors and bytes. While the budget is half empty a line may take what it likes of
// it; above that, no more than its fair share, so that one slow vassal cannot starve the
// others.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/wire/handoff.h"

namespace router {

/// A request with its connection, on its way to a vassal.
struct Parcel {
  wire::HandoffHeader header;
  std::string payload;
  base::Fd connection;
};

/// What all lines together may hold.
class ParkingBudget {
 public:
  ParkingBudget(size_t most_parcels, size_t most_bytes)
      : most_parcels_(most_parcels), most_bytes_(most_bytes) {}

  struct Use {
    size_t parcels = 0;
    size_t bytes = 0;
  };
  /// Whether a line that holds `line` may take `bytes` more.
  bool allows(const Use& line, size_t bytes) const;
  void taken(Use& line, size_t bytes);
  void given_back(Use& line, size_t bytes);
  const Use& used() const { return used_; }

 private:
  size_t most_parcels_;
  size_t most_bytes_;
  Use used_;
  size_t lines_ = 0;  // lines that hold anything
};

/// One vassal's waiting line.
class ParkingLine {
 public:
  explicit ParkingLine(ParkingBudget& budget) : budget_(budget) {}
  ~ParkingLine() {
    while (!parcels_.empty())
      static_cast<void>(pop());
  }
  ParkingLine(const ParkingLine&) = delete;
  ParkingLine& operator=(const ParkingLine&) = delete;

  bool empty() const { return parcels_.empty(); }
  size_t size() const { return parcels_.size(); }
  bool has_room(size_t bytes, size_t most) const {
    return parcels_.size() < most && budget_.allows(use_, bytes);
  }
  void push(Parcel parcel);
  /// For what was taken back from the belt: it has waited longest. Bounds do not apply.
  void push_front(Parcel parcel);
  const Parcel& front() const { return parcels_.front(); }
  Parcel pop();
  /// The first in line if it has expired.
  std::optional<Parcel> pop_expired(base::Instant now);

 private:
  ParkingBudget& budget_;
  ParkingBudget::Use use_;
  std::deque<Parcel> parcels_;
};

}  // namespace router
