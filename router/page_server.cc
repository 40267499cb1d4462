#include "router/page_server.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace router {

namespace {

using namespace std::chrono_literals;

constexpr base::Duration kPatience = 4s;
/// Who speaks HTTP has said something by then.
constexpr base::Duration kFirstWord = 50ms;
constexpr base::Duration kOutOfDescriptors = 200ms;
constexpr size_t kMostClients = 16;
constexpr size_t kMostHead = 8192;

enum class Asker { silent, http, gone };

uvx::Task<Asker> listen_to(Stream& client, base::Duration first_word) {
  std::array<char, 1024> buffer;
  std::string head;
  base::Deadline deadline = base::Deadline::in(first_word);
  while (head.find("\r\n\r\n") == head.npos && head.size() < kMostHead) {
    const auto received = co_await receive(client, buffer, deadline);
    if (!received)
      co_return head.empty() && received.error().is(std::errc::timed_out) ? Asker::silent
                                                                          : Asker::gone;
    // Half-closed before a word: one that only reads.
    if (*received == 0) co_return head.empty() ? Asker::silent : Asker::gone;
    head.append(buffer.data(), *received);
    deadline = base::Deadline::in(kPatience);
  }
  co_return head.starts_with("GET ") ? Asker::http : Asker::gone;
}

std::string as_http(const std::string& page, const char* content_type) {
  return std::string("HTTP/1.1 200 OK\r\nContent-Type: ") + content_type +
         "\r\nContent-Length: " + std::to_string(page.size()) +
         "\r\nConnection: close\r\n\r\n" + page;
}

}  // namespace

PageServer::PageServer(uvx::Loop& loop,
                       uvx::TaskGroup& tasks,
                       base::Log& log,
                       base::Fd socket,
                       const Kind& kind,
                       Make make)
    : loop_(loop),
      tasks_(tasks),
      log_(log),
      socket_(std::move(socket)),
      poll_(loop, socket_.get()),
      kind_(kind),
      make_(std::move(make)) {}

uvx::Task<void> PageServer::run() {
  while (!closed_) {
    base::Fd client(
        ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      if (answers_.size() < kMostClients) tasks_.spawn(answer(this, std::move(client)));
      co_await loop_.yield();
    } else if (errno == EMFILE || errno == ENFILE) {
      static_cast<void>(co_await loop_.sleep_for(kOutOfDescriptors));
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      log_.error("{}: {}", kind_.name, base::fail_errno("accept").error().message());
      co_return;
    } else if (!co_await poll_.readable()) {
      co_return;
    }
  }
}

void PageServer::close() {
  closed_ = true;
  poll_.close();
  for (Stream* client : answers_)
    client->interrupt();
}

uvx::Task<void> PageServer::answer(PageServer* self, base::Fd client) {
  PlainStream stream(self->loop_, std::move(client));
  self->answers_.insert(&stream);
  co_await self->answer_on(stream);
  self->answers_.erase(&stream);
}

uvx::Task<void> PageServer::answer_on(Stream& client) {
  const Asker asker = co_await listen_to(client, kind_.bare ? kFirstWord : kPatience);
  if (asker == Asker::gone || (asker == Asker::silent && !kind_.bare)) co_return;
  std::string page = co_await make_();
  if (asker == Asker::http) page = as_http(page, kind_.content_type);
  static_cast<void>(co_await send_all(client, page, kPatience));
}

}  // namespace router
