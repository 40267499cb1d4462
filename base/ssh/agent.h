// An ssh-agent: it has keys and signs with them, without giving them away
// (draft-ietf-sshm-ssh-agent). The messages are pure; Agent talks to a real one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/ssh/public_key.h"

namespace ssh {

inline constexpr size_t kMostAgentMessage = 256 * 1024;

std::string encode_list_request();
/// For RSA the signature with SHA-512 is asked for.
std::string encode_sign_request(const PublicKey& key, std::string_view text);

struct AgentKey {
  PublicKey key;
  std::string comment;
};
/// The ed25519 and RSA keys of an answer (without its length); others are left out.
base::Result<std::vector<AgentKey>> decode_list_answer(std::string_view message);
/// The signature of an answer; an error if the agent refused.
base::Result<std::string> decode_sign_answer(std::string_view message);

class Agent {
 public:
  /// `path`: of its unix socket ($SSH_AUTH_SOCK).
  static base::Result<Agent> connect(const std::string& path);

  base::Result<std::vector<AgentKey>> keys();
  /// Waits while the agent asks its owner, a minute at most.
  base::Result<std::string> sign(const PublicKey& key, std::string_view text);

 private:
  explicit Agent(base::Fd socket) : socket_(std::move(socket)) {}
  base::Result<std::string> ask(const std::string& request);
  base::Result<std::string> receive(size_t size);

  base::Fd socket_;
};

}  // namespace ssh
