#include "router/wrong_signatures.h"

#include <utility>

namespace router {

namespace {

/// In a second, of one key and one sender.
constexpr unsigned kMostOfPair = 100;
/// Of one user with all keys.
constexpr unsigned kMostOfUser = 200;
/// Of the whole process: at 50 to 100 us a look, all three leave most of the time.
constexpr std::array<unsigned, 3> kMostOfGroup{2000, 1000, 1000};
/// Nodes say every few seconds that they are there.
constexpr uint64_t kGoodFor = 60;
constexpr size_t kMostGood = 50'000;

std::string pair_of(std::string_view key, const Sender& sender) {
  std::string pair(key);
  pair.append(sender.uid ? "\nuid " : "\nip ");
  return pair.append(std::to_string(sender.uid ? *sender.uid : sender.network));
}

template <class Counts, class Key>
unsigned count_of(const Counts& counts, const Key& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

void WrongSignatures::begin(uint64_t now) {
  if (std::exchange(second_, now) == now) return;
  of_pair_.clear();
  of_uid_.clear();
  of_group_ = {};
}

WrongSignatures::Group WrongSignatures::group_of(const std::string& pair,
                                                 const Sender& sender,
                                                 uint64_t now) const {
  const auto good = good_.find(pair);
  if (good != good_.end() && good->second + kGoodFor >= now) return proven;
  return sender.uid ? local : remote;
}

bool WrongSignatures::too_many(std::string_view key, const Sender& sender, uint64_t now) {
  begin(now);
  const std::string pair = pair_of(key, sender);
  const Group group = group_of(pair, sender, now);
  if (count_of(of_pair_, pair) >= kMostOfPair) return true;
  if (sender.uid && group == local && count_of(of_uid_, *sender.uid) >= kMostOfUser)
    return true;
  return of_group_[group] >= kMostOfGroup[group];
}

void WrongSignatures::note_wrong(std::string_view key,
                                 const Sender& sender,
                                 uint64_t now) {
  begin(now);
  const std::string pair = pair_of(key, sender);
  const Group group = group_of(pair, sender, now);
  ++of_pair_[pair];
  if (sender.uid && group == local) ++of_uid_[*sender.uid];
  ++of_group_[group];
}

void WrongSignatures::note_good(std::string_view key,
                                const Sender& sender,
                                uint64_t now) {
  if (good_.size() >= kMostGood && std::exchange(forgot_, now) != now)
    std::erase_if(good_,
                  [&](const auto& entry) { return entry.second + kGoodFor < now; });
  std::string pair = pair_of(key, sender);
  if (good_.size() < kMostGood || good_.contains(pair)) good_[std::move(pair)] = now;
}

}  // namespace router
