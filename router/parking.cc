#include "router/parking.h"

#include <algorithm>
#include <utility>

namespace router {

namespace {
/// The part of `most` that one of `lines` lines may hold when there is little left.
bool within_share(size_t held, size_t asked, size_t used, size_t most, size_t lines) {
  if (used + asked > most) return false;
  return used + asked <= most / 2 || held + asked <= most / std::max<size_t>(lines, 2);
}
}  // namespace

bool ParkingBudget::allows(const Use& line, size_t bytes) const {
  const size_t lines = lines_ + (line.parcels == 0 ? 1 : 0);
  return within_share(line.parcels, 1, used_.parcels, most_parcels_, lines) &&
         within_share(line.bytes, bytes, used_.bytes, most_bytes_, lines);
}

void ParkingBudget::taken(Use& line, size_t bytes) {
  if (line.parcels++ == 0) ++lines_;
  line.bytes += bytes;
  ++used_.parcels;
  used_.bytes += bytes;
}

void ParkingBudget::given_back(Use& line, size_t bytes) {
  if (--line.parcels == 0) --lines_;
  line.bytes -= bytes;
  --used_.parcels;
  used_.bytes -= bytes;
}

void ParkingLine::push(Parcel parcel) {
  budget_.taken(use_, parcel.payload.size());
  parcels_.push_back(std::move(parcel));
}

void ParkingLine::push_front(Parcel parcel) {
  budget_.taken(use_, parcel.payload.size());
  parcels_.push_front(std::move(parcel));
}

Parcel ParkingLine::pop() {
  Parcel parcel = std::move(parcels_.front());
  parcels_.pop_front();
  budget_.given_back(use_, parcel.payload.size());
  return parcel;
}

std::optional<Parcel> ParkingLine::pop_expired(base::Instant now) {
  if (parcels_.empty() || !parcels_.front().header.deadline.passed(now))
    return std::nullopt;
  return pop();
}

}  // namespace router
