// WrongSignatures: whether one more signature is looked at in this second. Pure.
//
// Keys are public, anybody may send rubbish in their names, and a look takes as long as a
// request. Who sends wrong ones uses up his own looks, not the key's: they are counted by
// key and sender (uid of a unix socket, network of an IP address). A sender may be forged
// by IP, so all together have a bound, too; senders that were right with that key lately
// have one of their own, and so have those of unix sockets, which cannot be forged.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "router/sender.h"

namespace router {

class WrongSignatures {
 public:
  /// `key`: fingerprint, or path of a PEM. `now`: seconds since 1970.
  bool too_many(std::string_view key, const Sender& sender, uint64_t now);
  /// What a look showed.
  void note_wrong(std::string_view key, const Sender& sender, uint64_t now);
  void note_good(std::string_view key, const Sender& sender, uint64_t now);

 private:
  enum Group { proven, local, remote, groups };
  Group group_of(const std::string& pair, const Sender& sender, uint64_t now) const;
  void begin(uint64_t now);

  uint64_t second_ = 0;                                ///< that they are counted in
  std::unordered_map<std::string, unsigned> of_pair_;  // key and sender
  std::unordered_map<uid_t, unsigned> of_uid_;
  std::array<unsigned, groups> of_group_{};
  std::unordered_map<std::string, uint64_t> good_;  // key and sender: when
  uint64_t forgot_ = 0;
};

}  // namespace router
