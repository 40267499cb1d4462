#include "vassal/health_check.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd_passing.h"
#include "base/wire/handoff.h"
#include "base/wire/uwsgi_packet.h"

namespace vassal {

namespace {

/// "HTTP/1.1 200"
constexpr size_t kStatusAt = 9;
constexpr size_t kStatusEnd = 12;

std::string host_for(const VassalConfig& config) {
  for (const auto& domain : config.domains)
    if (!domain.starts_with('*')) return domain;
  return "localhost";
}

std::string request_for(const VassalConfig& config) {
  const std::string host = host_for(config);
  const std::string& uri = config.health_check;
  const size_t question = std::min(uri.find('?'), uri.size());
  wire::PacketBuilder packet;
  packet.add("REQUEST_METHOD", "GET");
  packet.add("REQUEST_URI", uri);
  packet.add("PATH_INFO", std::string_view(uri).substr(0, question));
  packet.add("QUERY_STRING", question < uri.size() ? uri.substr(question + 1) : "");
  packet.add("SERVER_PROTOCOL", "HTTP/1.1");
  packet.add("SERVER_NAME", host);
  packet.add("SERVER_PORT", "80");
  packet.add("REMOTE_ADDR", "127.0.0.1");
  packet.add("HTTP_HOST", host);
  packet.add("HTTP_USER_AGENT", "imperium-health-check");
  return packet.bytes();
}

}  // namespace

base::Result<> HealthCheck::begin(const VassalConfig& config, base::Instant now) {
  path_ = config.health_check;
  deadline_ = now + config.health_check_timeout;
  TRY_ASSIGN(auto channel, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  TRY_ASSIGN(auto connection, base::make_socketpair(SOCK_STREAM));
  std::string message(wire::kHandoffHeader, '\0');
  wire::encode_handoff({.kind = wire::HandoffKind::nginx,
                        .arrived = now,
                        .deadline = base::Deadline(deadline_)},
                       message.data());
  message += request_for(config);
  const int fd = connection.second.get();
  TRY(base::send_with_fds(channel.first.get(), message, {&fd, 1}));
  channel_ = std::move(channel.second);
  client_ = std::move(connection.first);
  return {};
}

void HealthCheck::close() {
  channel_.reset();
  client_.reset();
}

std::optional<base::Instant> HealthCheck::due() const {
  return open() ? std::optional(deadline_) : std::nullopt;
}

std::optional<std::string> HealthCheck::look(base::Instant now) {
  std::array<char, 512> buffer;
  ssize_t n = 0;
  while (!ended_ && answer_.size() < kStatusEnd &&
         (n = ::recv(client_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
    answer_.append(buffer.data(), static_cast<size_t>(n));
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) ended_ = true;
  auto verdict = judge_answer(path_, answer_, ended_);
  if (!verdict && now >= deadline_)
    verdict = "health-check " + path_ + " was not answered in time";
  judged_ = verdict.has_value();
  return verdict;
}

std::string HealthCheck::worker_ended(const std::string& how) const {
  return "health-check " + path_ + ": the worker ended: " + how;
}

std::optional<std::string> judge_answer(const std::string& path,
                                        std::string_view answer,
                                        bool ended) {
  if (answer.size() < kStatusEnd)
    return ended ? std::optional("health-check " + path + " was not answered")
                 : std::nullopt;
  const std::string_view status = answer.substr(kStatusAt, kStatusEnd - kStatusAt);
  const bool number =
      std::ranges::all_of(status, [](char c) { return c >= '0' && c <= '9'; });
  if (!answer.starts_with("HTTP/1.") || !number)
    return "health-check " + path + " was answered with something else than HTTP";
  if (status.front() == '2' || status.front() == '3') return std::string();
  return "health-check " + path + " answered " + std::string(status);
}

}  // namespace vassal
