// authorized_keys (sshd(8)): public keys as their owners hand them over, each with the
// hosts that it may speak for. Pure.
//
//   hosts="shop.example.com,*.shop.example.com" ssh-ed25519 AAAA... a comment
//
// `hosts` is the only option taken. Another one restricts what a key may do, and nobody
// knows whether this here is within it: such a line is skipped.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ssh/public_key.h"

namespace ssh {

struct AuthorizedKey {
  size_t line = 0;
  PublicKey key;
  std::optional<std::vector<std::string>> hosts;  ///< as written; nothing: no such option
};

struct SkippedLine {
  size_t line = 0;
  std::string reason;
};

struct AuthorizedKeys {
  std::vector<AuthorizedKey> keys;
  std::vector<SkippedLine> skipped;  ///< neither empty nor a comment, and not taken
};

inline constexpr size_t kMostAuthorizedKeys = 64;

/// Every usable key, at most kMostAuthorizedKeys; what follows them is skipped.
AuthorizedKeys parse_authorized_keys(std::string_view text);

}  // namespace ssh
