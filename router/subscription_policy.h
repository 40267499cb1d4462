// SubscriptionPolicy: whether the sender of a subscription packet may say what it says.
//
// Proofs are only asked for if the operator configured them: the sender's uid and gid own
// the file that stands for the key (unix sockets); and the packet is signed, with the
// private half of the key's public key (uWSGI's way) or with an SSH key that speaks for
// the host. Time stamps of signed packets only go forward, so that none is good twice, an
// unsubscribe included. With SSH keys, several tenants may be allowed the same host: who
// has it keeps it while he is heard of, and nobody else joins or leaves for him.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/wire/subscription.h"
#include "router/replay_guard.h"
#include "router/sender.h"
#include "router/tenant_keys.h"
#include "router/wrong_signatures.h"

namespace router {

struct SubscriptionProofs {
  std::string
      credentials_directory;   ///< with its slash: owner of DIR + key must be the sender
  std::string sign_digest;     ///< OpenSSL's name: "SHA256"; empty: unsigned is fine
  std::string sign_directory;  ///< KEY.pem in it is the public key of KEY
  uint64_t sign_tolerance = 86'400;   ///< seconds that a first packet may be old
  std::vector<uid_t> sign_skip_uids;  ///< their packets need no signature

  std::string ssh_directory;    ///< TenantKeys; empty: no SSH signatures
  uint64_t ssh_tolerance = 60;  ///< seconds that their time may be off, both ways
  uint64_t hold = 17;           ///< seconds that a host is kept for who was heard of last

  bool any_address = false;  ///< who may subscribe may name any address

  bool any() const {
    return !credentials_directory.empty() || !sign_digest.empty() ||
           !ssh_directory.empty();
  }
};

/// `key` as the name of a file: what is not a letter, a digit, '.', '_' or '-' becomes
/// '_'.
std::string key_file_name(std::string_view key);

class SubscriptionPolicy {
 public:
  explicit SubscriptionPolicy(SubscriptionProofs proofs)
      : proofs_(std::move(proofs)),
        tenants_(proofs_.ssh_directory),
        guard_(proofs_.ssh_tolerance, proofs_.hold) {}

  bool verifies() const {
    return !proofs_.sign_digest.empty() || !proofs_.ssh_directory.empty();
  }
  const SubscriptionProofs& proofs() const { return proofs_; }
  /// Of a good packet by which a node left.
  struct Departed {
    std::string holder;  ///< whose the node was
    uint64_t until = 0;  ///< an older packet of it may be good again to who begins
  };
  Departed departed(const wire::Subscription& packet, uint64_t now) const;
  /// Why the packet is refused; nothing if it is good. `now`: seconds since 1970.
  std::optional<std::string> refuse(const wire::Subscription& packet,
                                    const Sender& sender,
                                    uint64_t now);
  /// Who has to listen at the unix address that `sender` named; nobody in particular if
  /// he is root, the router's own user or a trusted one, or if nothing is to be proven.
  std::optional<uid_t> listener_of(const Sender& sender) const;
  /// What was left out of the tenants' files since the last call.
  std::vector<std::string> take_notes() { return tenants_.take_notes(); }

 private:
  bool is_trusted(const Sender& sender) const;
  /// Who may speak for his host may not have the router connect wherever he likes: what
  /// is reached there need not be his.
  std::optional<std::string> refuse_address(const wire::Subscription& packet,
                                            const Sender& sender) const;
  std::optional<std::string> refuse_credentials(const wire::Subscription& packet,
                                                const Sender& sender) const;
  /// Where the public key of its key is.
  std::string pem_of(const wire::Subscription& packet) const;
  std::optional<std::string> refuse_signature(const wire::Subscription& packet,
                                              const Sender& sender,
                                              uint64_t now);
  std::optional<std::string> refuse_time(const wire::Subscription& packet, uint64_t now);
  std::optional<std::string> refuse_ssh(const wire::Subscription& packet,
                                        const Sender& sender,
                                        uint64_t now);
  /// `prover`: who has proven himself, and how.
  std::optional<std::string> refuse_holder(const wire::Subscription& packet,
                                           const std::string& prover,
                                           uint64_t now);

  /// Time stamps of one key's signed packets, by address.
  using Stamps = std::unordered_map<std::string, uint64_t>;
  /// Forgets those whose packets are refused for their age alone.
  void forget_old(Stamps& stamps, uint64_t now) const;

  SubscriptionProofs proofs_;
  std::unordered_map<std::string, Stamps> stamps_;  // only of keys that have a public key
  TenantKeys tenants_;
  ReplayGuard guard_;  // each tenant signs
  WrongSignatures wrong_;
  struct Holder {
    std::string prover;
    uint64_t heard = 0;  ///< seconds since 1970
  };
  std::unordered_map<std::string, Holder> holders_;  // by host
};

}  // namespace router
