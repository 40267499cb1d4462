// The subscription packet: a node tells a router that it serves a key (uWSGI's format).
//
// One datagram: a uwsgi packet with modifier1 224, modifier2 0 to subscribe and anything
// else to unsubscribe; all numbers are decimal text. Pure; views point into the datagram.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace wire {

/// Larger datagrams are not subscriptions (uWSGI's receive buffer).
inline constexpr size_t kMaxSubscription = 4096;
inline constexpr uint8_t kSubscriptionModifier = 224;

struct Subscription {
  std::string_view key;      ///< 1 to 255 bytes: a host name, ".suffix" with dotsplit
  std::string_view address;  ///< 1 to 255 bytes: where the node listens
  uint8_t modifier1 = 0;     ///< written into the packets that are forwarded
  uint8_t modifier2 = 0;
  uint64_t cores = 0;   ///< processes x threads
  uint64_t load = 0;    ///< connections that wait at the node
  uint64_t weight = 1;  ///< at least 1
  uint64_t backup = 0;  ///< level; only used while no node of a lower one is alive
  std::string_view algo;
  std::string_view proto;             ///< what the node speaks; empty: uwsgi
  std::string_view notify;            ///< datagram address for the acknowledgement
  std::optional<uint64_t> unix_time;  ///< the sender's clock, seconds
  bool leave = false;                 ///< unsubscribe
  std::string_view ssh_user;          ///< whose keys: a name of a file at the router
  std::string_view ssh_key;           ///< which of them: its fingerprint, "SHA256:..."
  std::string_view signature;         ///< uWSGI's, raw bytes; empty: none
  std::string_view ssh_signature;  ///< of an SSH key (base/ssh/signature.h); empty: none
  std::string_view signed_part;    ///< what stands before either of them
};

/// Takes a whole datagram apart, or says what is wrong with it. Unknown keys are ignored;
/// a text given twice, a number that is none and a signature that is not the last pair
/// are errors.
std::expected<Subscription, const char*> decode_subscription(std::string_view datagram);

/// The datagram, unsigned; nothing if it does not fit.
std::optional<std::string> encode_subscription(const Subscription& subscription);

/// What an SSH signature is over: not good for anything but this, and a subscribe's is
/// not good for an unsubscribe. `part`: everything behind the header and before the
/// signature.
std::string ssh_signed_text(bool leave, std::string_view part);
/// The same of a datagram that encode_subscription() made.
std::string ssh_signed_text(std::string_view datagram);
/// The datagram with the signature behind it; nothing if it does not fit.
std::optional<std::string> with_ssh_signature(std::string_view datagram,
                                              std::string_view signature);

}  // namespace wire
