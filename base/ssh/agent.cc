#include "base/ssh/agent.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/ssh/wire.h"

namespace ssh {

namespace {

constexpr uint8_t kListRequest = 11;
constexpr uint8_t kListAnswer = 12;
constexpr uint8_t kSignRequest = 13;
constexpr uint8_t kSignAnswer = 14;
constexpr uint32_t kRsaSha512 = 4;
constexpr uint32_t kMostKeys = 1000;
constexpr timeval kPatience{60, 0};

std::string framed(const Writer& body) {
  return Writer().string(body.bytes()).bytes();
}

}  // namespace

std::string encode_list_request() {
  return framed(Writer().byte(kListRequest));
}

std::string encode_sign_request(const PublicKey& key, std::string_view text) {
  return framed(Writer()
                    .byte(kSignRequest)
                    .string(key.blob)
                    .string(text)
                    .number(key.type == KeyType::rsa ? kRsaSha512 : 0));
}

base::Result<std::vector<AgentKey>> decode_list_answer(std::string_view message) {
  Reader reader(message);
  if (reader.byte() != kListAnswer) return base::fail("the agent shows no keys");
  const auto count = reader.number();
  if (!count || *count > kMostKeys) return base::fail("the agent's answer is malformed");
  std::vector<AgentKey> keys;
  for (uint32_t i = 0; i < *count; ++i) {
    const auto blob = reader.string();
    const auto comment = blob ? reader.string() : std::nullopt;
    if (!comment) return base::fail("the agent's answer is malformed");
    if (auto key = parse_public_key(*blob))
      keys.push_back({*std::move(key), std::string(*comment)});
  }
  if (!reader.at_end()) return base::fail("the agent's answer is malformed");
  return keys;
}

base::Result<std::string> decode_sign_answer(std::string_view message) {
  Reader reader(message);
  if (reader.byte() != kSignAnswer)
    return base::fail("the agent does not sign with this key");
  const auto signature = reader.string();
  if (!signature || signature->empty() || !reader.at_end())
    return base::fail("the agent's answer is malformed");
  return std::string(*signature);
}

base::Result<Agent> Agent::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return base::fail(ENAMETOOLONG, path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("socket");
  for (const int which : {SO_RCVTIMEO, SO_SNDTIMEO})
    ::setsockopt(fd.get(), SOL_SOCKET, which, &kPatience, sizeof(kPatience));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
      0)
    return base::fail_errno("no ssh-agent answers at " + path);
  return Agent(std::move(fd));
}

base::Result<std::string> Agent::receive(size_t size) {
  std::string bytes(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t n = ::read(socket_.get(), bytes.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("the ssh-agent does not answer");
    if (n == 0) return base::fail("the ssh-agent ended before it answered");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

base::Result<std::string> Agent::ask(const std::string& request) {
  TRY(base::write_all(socket_.get(), request));
  TRY_ASSIGN(const std::string head, receive(sizeof(uint32_t)));
  const auto size = Reader(head).number().value_or(0);
  if (size == 0 || size > kMostAgentMessage)
    return base::fail("the agent's answer is malformed");
  return receive(size);
}

base::Result<std::vector<AgentKey>> Agent::keys() {
  TRY_ASSIGN(const std::string answer, ask(encode_list_request()));
  return decode_list_answer(answer);
}

base::Result<std::string> Agent::sign(const PublicKey& key, std::string_view text) {
  TRY_ASSIGN(const std::string answer, ask(encode_sign_request(key, text)));
  return decode_sign_answer(answer);
}

}  // namespace ssh
