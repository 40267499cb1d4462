#include "base/wire/tally.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace wire {

/// Visits every number of a tally, always in the same order.
struct TallyText {
  template <class T, class F>
  static void each(T& tally, F&& visit) {
    for (auto* number : {&tally.requests, &tally.handed_over, &tally.relayed,
                         &tally.refused, &tally.received, &tally.sent})
      visit(*number);
    for (auto& number : tally.status)
      visit(number);
    for (auto& number : tally.causes)
      visit(number);
    for (auto* histogram : {&tally.queue, &tally.first_byte, &tally.total}) {
      for (auto& number : histogram->classes_)
        visit(number);
      visit(histogram->sum_us_);
    }
  }
};

void Histogram::add(base::Duration took) {
  const auto signed_us =
      std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  const auto us = static_cast<uint64_t>(std::max<int64_t>(0, signed_us));
  const auto bound =
      std::ranges::find_if(kBounds, [us](uint64_t ms) { return us <= ms * 1000; });
  ++classes_[static_cast<size_t>(bound - kBounds.begin())];
  sum_us_ += us;
}

void Histogram::add(const Histogram& other) {
  for (size_t i = 0; i < kClasses; ++i)
    classes_[i] += other.classes_[i];
  sum_us_ += other.sum_us_;
}

uint64_t Histogram::count() const {
  return std::accumulate(classes_.begin(), classes_.end(), uint64_t{0});
}

void Tally::add(const Tally& other) {
  requests += other.requests;
  handed_over += other.handed_over;
  relayed += other.relayed;
  refused += other.refused;
  for (size_t i = 0; i < status.size(); ++i)
    status[i] += other.status[i];
  for (size_t i = 0; i < causes.size(); ++i)
    causes[i] += other.causes[i];
  received += other.received;
  sent += other.sent;
  queue.add(other.queue);
  first_byte.add(other.first_byte);
  total.add(other.total);
}

void Tally::count_status(int code) {
  if (code >= 100 && code < 600) ++status[static_cast<size_t>(code / 100 - 1)];
}

std::string to_text(const Tally& tally) {
  std::string text;
  TallyText::each(tally, [&text](uint64_t number) {
    if (!text.empty()) text += ' ';
    text += std::to_string(number);
  });
  return text;
}

std::optional<Tally> tally_of(std::string_view text) {
  Tally tally;
  bool good = true;
  const char* at = text.data();
  const char* const end = at + text.size();
  TallyText::each(tally, [&](uint64_t& number) {
    const auto [stop, error] = std::from_chars(at, end, number);
    good = good && error == std::errc{};
    at = stop != end && *stop == ' ' ? stop + 1 : stop;
  });
  if (!good || at != end || text.ends_with(' ')) return std::nullopt;
  return tally;
}

}  // namespace wire
