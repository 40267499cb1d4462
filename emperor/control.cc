#include "emperor/control.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

namespace emperor {

namespace {

constexpr size_t kMaxRequest = 64 * 1024;
constexpr auto kPatience = std::chrono::seconds(30);

/// Sends all of `text`; an error if the client does not read for long.
uvx::Task<base::Result<>> send_all(uvx::Poll& poll, int fd, std::string text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::send(fd, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      rest.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) co_return base::fail_errno("send");
    if (auto ready = co_await poll.writable(base::Deadline::in(kPatience)); !ready)
      co_return ready;
  }
  co_return base::Result<>{};
}

std::string error_line(const std::string& text) {
  return nlohmann::json{{"ok", false}, {"error", text}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<ControlRequest> parse_request(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("cmd") || !json["cmd"].is_string())
    return std::nullopt;
  ControlRequest request{json["cmd"], {}};
  if (json.contains("name") && json["name"].is_string()) request.name = json["name"];
  if (json.contains("lines") && json["lines"].is_number_unsigned())
    request.lines = json["lines"].get<uint64_t>();
  request.follow = json.contains("follow") && json["follow"] == true;
  return request;
}

}  // namespace

void Control::start(base::Fd listener) {
  listener_ = std::move(listener);
  poll_ = std::make_unique<uvx::Poll>(loop_, listener_.get());
  tasks_.spawn(accept());
}

void Control::stop_listening() {
  if (poll_) poll_->close();
}

void Control::close() {
  stop_listening();
  for (auto* poll : conversations_)
    poll->close();
}

uvx::Task<void> Control::accept() {
  for (;;) {
    base::Fd client(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      tasks_.spawn(converse(std::move(client)));
    } else if (errno == EMFILE || errno == ENFILE) {
      log_.warn("control: out of descriptors, new clients wait");
      if (!co_await loop_.sleep_for(std::chrono::milliseconds(200))) co_return;
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      log_.error("control: accept: {}", base::fail_errno("accept").error().message());
      co_return;
    } else if (!co_await poll_->readable()) {
      co_return;
    }
  }
}

uvx::Task<void> Control::converse(base::Fd client) {
  uvx::Poll poll(loop_, client.get());
  conversations_.insert(&poll);
  std::string input;
  std::array<char, 4096> buffer;
  for (bool open = true; open;) {
    const ssize_t n = ::recv(client.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (n < 0) {
      open = (co_await poll.readable(base::Deadline::in(kPatience))).has_value();
      continue;
    }
    input.append(buffer.data(), static_cast<size_t>(n));
    for (size_t end; open && (end = input.find('\n')) != input.npos;
         input.erase(0, end + 1)) {
      auto request = parse_request(input.substr(0, end));
      if (request && hand_over && hand_over(*request, client.get())) {
        conversations_.erase(&poll);
        co_return;
      }
      const std::string line = co_await answer(std::move(request));
      open = (co_await send_all(poll, client.get(), line + "\n")).has_value();
    }
    if (input.size() > kMaxRequest) break;
  }
  conversations_.erase(&poll);
}

uvx::Task<std::string> Control::answer(std::optional<ControlRequest> request) {
  if (!request)
    co_return error_line("not a request: one JSON object with \"cmd\" a line");
  auto data = co_await handler_(*std::move(request));
  if (!data) co_return error_line(data.error().message());
  co_return "{\"ok\":true,\"data\":" + *data + "}";
}

}  // namespace emperor
