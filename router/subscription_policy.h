// SubscriptionPolicy: whether the sender of a subscription packet may say what it says.
//
// Three independent proofs, each only asked for if the operator configured it: the
// sender's uid and gid own the file that stands for the key (unix sockets), or the packet
// is signed with the private half of the key's public key. Time stamps of signed packets
// only go forward, so that none is good twice, an unsubscribe included.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/wire/subscription.h"
#include "router/sender.h"

namespace router {

struct SubscriptionProofs {
  std::string
      credentials_directory;   ///< with its slash: owner of DIR + key must be the sender
  std::string sign_digest;     ///< OpenSSL's name: "SHA256"; empty: unsigned is fine
  std::string sign_directory;  ///< KEY.pem in it is the public key of KEY
  uint64_t sign_tolerance = 86'400;   ///< seconds that a first packet may be old
  std::vector<uid_t> sign_skip_uids;  ///< their packets need no signature

  bool any() const { return !credentials_directory.empty() || !sign_digest.empty(); }
};

/// `key` as the name of a file: what is not a letter, a digit, '.', '_' or '-' becomes
/// '_'.
std::string key_file_name(std::string_view key);

class SubscriptionPolicy {
 public:
  explicit SubscriptionPolicy(SubscriptionProofs proofs) : proofs_(std::move(proofs)) {}

  const SubscriptionProofs& proofs() const { return proofs_; }
  /// Why the packet is refused; nothing if it is good. `now`: seconds since 1970.
  std::optional<std::string> refuse(const wire::Subscription& packet,
                                    const Sender& sender,
                                    uint64_t now);

 private:
  std::optional<std::string> refuse_credentials(const wire::Subscription& packet,
                                                const Sender& sender) const;
  std::optional<std::string> refuse_signature(const wire::Subscription& packet) const;
  std::optional<std::string> refuse_time(const wire::Subscription& packet, uint64_t now);

  /// Time stamps of one key's signed packets, by address.
  using Stamps = std::unordered_map<std::string, uint64_t>;
  /// Forgets those whose packets are refused for their age alone.
  void forget_old(Stamps& stamps, uint64_t now) const;

  SubscriptionProofs proofs_;
  std::unordered_map<std::string, Stamps> stamps_;  // only of keys that have a public key
};

}  // namespace router
