#include "emperor/stats.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "emperor/listen.h"

namespace emperor {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kPatience = 4s;  // for a client that does not read
constexpr auto kAgain = 500ms;
constexpr size_t kMostClients = 16;
constexpr size_t kMostHead = 8192;
constexpr auto kFresh = 200ms;

int64_t unix_time(base::Instant at) {
  const auto ago = base::Clock::now() - at;
  return std::chrono::system_clock::to_time_t(
      std::chrono::system_clock::now() -
      std::chrono::duration_cast<std::chrono::system_clock::duration>(ago));
}

const Generation* running(const Vassal& vassal) {
  const auto found = vassal.generations.find(vassal.life.generation());
  const bool there =
      found != vassal.generations.end() && found->second->pidfd && !found->second->exited;
  return there ? found->second.get() : nullptr;
}

json row(const Vassal& v, const Roster& roster, const Options& options) {
  const Generation* g = running(v);
  const auto file = roster.files.find(v.path);
  const int64_t changed =
      file == roster.files.end() ? 0 : file->second.identity.mtime_ns / 1'000'000'000;
  const vassal::VassalConfig* config =
      v.configuration ? &v.configuration->config : nullptr;
  const bool loyal = g != nullptr && g->scoreboard.totals().finished > 0;
  const int64_t began = g == nullptr ? 0 : unix_time(g->began);
  const bool lazy = v.life.state() == State::asleep;
  json j;
  j["id"] = v.name;
  j["pid"] = g == nullptr ? -1 : g->pidfd.pid();
  j["born"] = changed;
  j["last_mod"] = changed;
  j["last_heartbeat"] =
      g != nullptr && g->last_beat ? unix_time(*g->last_beat) : int64_t{0};
  j["loyal"] = loyal ? 1 : 0;
  j["ready"] = g != nullptr && g->ready ? 1 : 0;
  j["accepting"] = g != nullptr && g->ready ? 1 : 0;
  j["first_run"] = began;
  j["last_run"] = began;
  j["cursed"] = g != nullptr && g->over ? 1 : 0;
  j["zerg"] = 0;
  j["on_demand"] = lazy && config != nullptr && !config->sockets.empty()
                       ? config->sockets[0].text
                       : "";
  j["suspended"] = v.life.stopped_by_operator() ? 1 : 0;
  j["uid"] = config == nullptr ? ::geteuid() : config->uid.value_or(::geteuid());
  j["gid"] = config == nullptr ? ::getegid() : config->gid.value_or(::getegid());
  j["monitor"] = v.source < options.sources.size() ? options.sources[v.source] : "";
  j["attrs"] = json::object();
  j["respawns"] = v.life.restarts();
  return j;
}

/// Who is kept waiting after failures is what uWSGI calls blacklisted.
json blacklisted(const Vassal& v) {
  const auto left = std::max<base::Duration>(v.life.due_at() - base::Clock::now(), 0s);
  return {{"id", v.name},
          {"throttle_level", left / 1ms},
          {"attempt", v.life.restarts()},
          {"first_attempt", 0},
          {"last_attempt", 0}};
}

/// Whether the head of a request came; read to its end, so that the close resets nothing.
uvx::Task<bool> head_came(uvx::Poll& poll, int client) {
  const auto deadline = base::Deadline::in(kPatience);
  std::string head;
  std::array<char, 1024> buffer;
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < kMostHead) {
    const ssize_t n = ::recv(client, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) {
      head.append(buffer.data(), static_cast<size_t>(n));
      continue;
    }
    const bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (!later || !co_await poll.readable(deadline)) co_return false;
  }
  co_return head.starts_with("GET ");
}

std::string as_http(const std::string& page) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain; "
         "version=0.0.4\r\nContent-Length: " +
         std::to_string(page.size()) + "\r\nConnection: close\r\n\r\n" + page;
}

}  // namespace

std::string stats_json(const Roster& roster, const Options& options) {
  json vassals = json::array();
  json blacklist = json::array();
  for (const auto& [name, vassal] : roster.all()) {
    vassals.push_back(row(*vassal, roster, options));
    if (vassal->life.state() == State::backoff) blacklist.push_back(blacklisted(*vassal));
  }
  std::error_code error;
  const json figures = {{"version", IMPERIUM_VERSION},
                        {"pid", ::getpid()},
                        {"uid", ::geteuid()},
                        {"gid", ::getegid()},
                        {"cwd", std::filesystem::current_path(error).string()},
                        {"emperor", options.sources},
                        {"emperor_tyrant", options.tyrant ? 1 : 0},
                        {"throttle_level", 0},
                        {"vassals", std::move(vassals)},
                        {"blacklist", std::move(blacklist)}};
  return figures.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

void StatsServer::start(const std::string& address) {
  address_ = address;
  tasks_.spawn(serve(this));
}

void StatsServer::close() {
  end_.close();
  if (poll_) poll_->close();
  for (auto* poll : answers_)
    poll->close();
  if (listener_ && is_unix_path(address_)) ::unlink(address_.c_str());
}

uvx::Task<void> StatsServer::serve(StatsServer* self) {
  for (bool told = false; !self->end_.closed(); told = true) {
    if (auto listener = listen_on(self->address_)) {
      self->listener_ = *std::move(listener);
      self->poll_ = std::make_unique<uvx::Poll>(self->loop_, self->listener_.get());
      co_return co_await self->accept();
    } else if (!told) {
      self->log_.warn("{}: {}, tried again", self->name_, listener.error().message());
    }
    co_await self->end_.wait(base::Deadline::in(kAgain));
  }
}

uvx::Task<void> StatsServer::accept() {
  for (;;) {
    base::Fd client(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      if (answers_.size() < kMostClients) tasks_.spawn(answer(this, std::move(client)));
      co_await loop_.yield();  // whoever may connect must not hold up the emperor
    } else if (errno == EMFILE || errno == ENFILE) {
      if (!co_await loop_.sleep_for(200ms)) co_return;
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      log_.error("{}: {}", name_, base::fail_errno("accept").error().message());
      co_return;
    } else if (!co_await poll_->readable()) {
      co_return;
    }
  }
}

uvx::Task<void> StatsServer::answer(StatsServer* self, base::Fd client) {
  uvx::Poll poll(self->loop_, client.get());
  self->answers_.insert(&poll);
  if (self->protocol_ == Protocol::bare || co_await head_came(poll, client.get()))
    co_await self->send_page(poll, client.get());
  self->answers_.erase(&poll);
}

/// Made once for everybody who asks within a moment: it costs a look at every vassal.
uvx::Task<std::string> StatsServer::page() {
  if (made_.passed() && prepare_) co_await prepare_();
  if (made_.passed()) {
    page_ = figures_();
    made_ = base::Deadline::in(kFresh);
  }
  co_return page_;
}

uvx::Task<void> StatsServer::send_page(uvx::Poll& poll, int client) {
  std::string text = co_await page();
  if (protocol_ == Protocol::http) text = as_http(text);
  const auto deadline = base::Deadline::in(kPatience);
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t n =
        ::send(client, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      rest.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    const bool later = errno == EAGAIN || errno == EINTR;
    if (!later || !co_await poll.writable(deadline)) co_return;
  }
}

}  // namespace emperor
