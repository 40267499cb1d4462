#include "emperor/logger_link.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/wire/logger.h"
#include "cgroups/name.h"
#include "emperor/launcher.h"
#include "emperor/log_files.h"
#include "emperor/logger.h"
#include "emperor/spawn_router.h"
#include "emperor/tenant_log.h"
#include "vassal/spawn.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::logger;

namespace {

constexpr int kPipeSize = 256 * 1024;
constexpr int kControlFd = 3;
constexpr auto kReplaceTime = 3s;

constexpr std::string_view kHeldProcess = "logger\n";
constexpr std::string_view kHeldPidfd = "logger-pidfd\n";
constexpr std::string_view kHeldPipe = "log\n";

std::string held_as(std::string_view kind, pid_t pid) {
  return std::string(kind) + std::to_string(pid);
}

}  // namespace

// ---- the process
// ----------------------------------------------------------------------------

void LoggerLink::start(Held* held) {
  for (auto it = held->lower_bound(std::string(kHeldPipe));
       it != held->end() && it->first.starts_with(kHeldPipe); it = held->erase(it)) {
    const std::string rest = it->first.substr(kHeldPipe.size());
    const size_t end = rest.rfind('\n');
    if (end == rest.npos) continue;
    Stream& stream = streams_[rest.substr(0, end)];
    stream.adopted = true;
    (rest.substr(end + 1) == "read" ? stream.read : stream.write) = std::move(it->second);
  }
  for (auto it = held->lower_bound(std::string(kHeldProcess));
       it != held->end() && it->first.starts_with(kHeldProcess); it = held->erase(it)) {
    const auto pid = static_cast<pid_t>(
        std::strtol(it->first.c_str() + kHeldProcess.size(), nullptr, 10));
    auto kept = held->extract(held_as(kHeldPidfd, pid));
    auto pidfd =
        kept.empty() ? base::Pidfd() : base::Pidfd(pid, std::move(kept.mapped()));
    if (pid <= 0 || base::pid_behind(pidfd.fd(), pid) != pid || pidfd.ended()) {
      for (const auto kind : {kHeldProcess, kHeldPidfd})
        s_.keeper.release(held_as(kind, pid));
      continue;
    }
    pid_ = pid;
    pidfd_ = std::move(pidfd);
    attach(std::move(it->second));
  }
  if (pid_ < 0) failed();
}

base::Result<> LoggerLink::spawn() {
  TRY_ASSIGN(auto pair, base::make_socketpair(SOCK_SEQPACKET, base::Blocking::no));
  vassal::SpawnPlan plan;
  plan.program = "/proc/self/exe";  // this binary, even if another has taken its place
  plan.argv = {"logger", std::string(Logger::kFlag) + std::to_string(kControlFd)};
  plan.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
  if (const char* zone = ::getenv("TZ")) plan.env.push_back(std::string("TZ=") + zone);
  plan.fds = {{STDERR_FILENO, STDERR_FILENO}, {pair.second.get(), kControlFd}};
  plan.parent = vassal::Parent::ours;
  TRY_ASSIGN(plan.identity,
             helper_identity(s_.options.logger_uid, s_.options.logger_gid));
  TRY_ASSIGN(auto spawned, vassal::spawn(plan, nullptr));
  pidfd_ = std::move(spawned.process);
  pid_ = pidfd_.pid();
  began_ = base::Clock::now();
  s_.keeper.hold(held_as(kHeldPidfd, pid_), pidfd_.fd());
  s_.keeper.hold(held_as(kHeldProcess, pid_), pair.first.get());
  s_.log.info("logger: spawned pid={}", pid_);
  attach(std::move(pair.first));
  send_everything();
  return {};
}

void LoggerLink::attach(base::Fd control) {
  channel_ = std::make_shared<MessageChannel>(s_.loop, s_.tasks, std::move(control));
  channel_->send(wire::Message{verbs::kTargets, {}}
                     .set("journald", s_.options.journald)
                     .set("syslog", s_.options.syslog));
  s_.tasks.spawn(listen_to(this, channel_));
}

void LoggerLink::send_everything() {
  for (const auto& [name, stream] : streams_)
    send(stream);
}

bool LoggerLink::on_exit(pid_t pid, base::ExitStatus status) {
  if (pid != pid_ || pid_ < 0) return false;
  for (const auto kind : {kHeldProcess, kHeldPidfd})
    s_.keeper.release(held_as(kind, pid));
  if (!stopping_ && !status.success())
    s_.log.warn("logger: ended pid={} reason=\"{}\"", pid, status.describe());
  if (channel_) channel_->close();
  channel_.reset();
  pid_ = -1;
  pidfd_ = {};
  if (base::Clock::now() - began_ > 5s) wait_ = 10ms;
  if (!stopping_) failed();
  return true;
}

void LoggerLink::failed() {
  s_.tasks.spawn(start_again(this));
}

uvx::Task<void> LoggerLink::start_again(LoggerLink* self) {
  // The first start costs nothing; one that dies at once, again and again, waits up to
  // 5 s.
  const auto wait =
      std::exchange(self->wait_, std::min<base::Duration>(self->wait_ * 3, 5s));
  if (wait > 10ms) (void)co_await self->s_.loop.sleep_for(wait);
  if (self->stopping_ || self->pid_ >= 0) co_return;
  if (auto spawned = self->spawn(); !spawned) {
    self->s_.log.error("logger: cannot start: {}", spawned.error().message());
    self->failed();
  }
}

uvx::Task<void> LoggerLink::listen_to(LoggerLink* self,
                                      std::shared_ptr<MessageChannel> channel) {
  for (;;) {
    auto incoming = co_await channel->receive();
    if (!incoming) break;
    const auto& message = incoming->message;
    const auto id = message.number("id");
    if (id && (message.verb == verbs::kOpen || message.verb == verbs::kRotate))
      self->answer({*id, message.verb == verbs::kRotate});
  }
  channel->close();
  // Without a keeper that is its parent nobody tells that it ended; the end of its
  // channel does.
  if (self->channel_ != channel || self->s_.keeper.reaps(self->pid_)) co_return;
  (void)self->pidfd_.signal(SIGKILL);
  const base::ExitStatus killed{base::ExitStatus::Kind::signalled, SIGKILL};
  self->on_exit(self->pid_, self->pidfd_.ended_how().value_or(killed));
}

/// Once it has written what it holds it ends, and its end starts the next one.
void LoggerLink::replace() {
  if (!channel_) return;
  channel_->send(wire::Message{verbs::kStop, {}}.set("leave", 1));
  s_.tasks.spawn(kill_late(this, pid_));
}

/// The keeper has the pipes: only what it had read by then is lost.
uvx::Task<void> LoggerLink::kill_late(LoggerLink* self, pid_t pid) {
  const auto deadline = base::Deadline::in(kReplaceTime);
  while (self->pid_ == pid && !self->stopping_ && !deadline.passed())
    (void)co_await self->s_.loop.sleep_for(20ms);
  if (self->pid_ != pid || self->stopping_) co_return;
  self->s_.log.warn("logger: killed, it did not make room in time pid={}", pid);
  (void)self->pidfd_.signal(SIGKILL);
}

uvx::Task<void> LoggerLink::stop(base::Deadline deadline) {
  stopping_ = true;
  if (channel_) channel_->send({verbs::kStop, {}});
  while (pid_ >= 0 && !deadline.passed() && !s_.keeper.lost())
    (void)co_await s_.loop.sleep_for(2ms);
  if (pid_ >= 0 && !s_.keeper.lost()) (void)pidfd_.signal(SIGKILL);
  const auto killed = base::Deadline::in(1s);
  while (pid_ >= 0 && !killed.passed() && !s_.keeper.lost())
    (void)co_await s_.loop.sleep_for(2ms);
  if (channel_) channel_->close();
}

// ---- logs
// -------------------------------------------------------------------------------------

std::string LoggerLink::own_path(const std::string& vassal) const {
  const auto component = cgroups::component_of(vassal);
  return s_.options.run_dir + "/logs/" + (component ? *component : "") + ".log";
}

base::Result<> LoggerLink::make_pipe(const std::string& vassal, Stream* stream) {
  TRY_ASSIGN(auto pipe, base::make_pipe());
  TRY(base::set_blocking(pipe.first.get(), base::Blocking::no));
  (void)::fcntl(pipe.second.get(), F_SETPIPE_SZ, kPipeSize);  // as far as we may
  stream->read = std::move(pipe.first);
  stream->write = std::move(pipe.second);
  s_.keeper.hold(held_name("log", vassal, "read"), stream->read.get());
  s_.keeper.hold(held_name("log", vassal, "write"), stream->write.get());
  return {};
}

base::Result<> LoggerLink::keep(const std::string& vassal,
                                uint64_t id,
                                const vassal::VassalConfig& config,
                                const std::optional<vassal::Identity>& identity) {
  Stream& stream = streams_[vassal];
  const bool fresh = !stream.read || !stream.write;
  if (fresh) TRY(make_pipe(vassal, &stream));
  // Whoever had it before may have left it without blocking, and lose lines by that.
  (void)base::set_blocking(stream.write.get(), base::Blocking::yes);
  // So that /dev/stderr can be opened by whose it is.
  if (identity) (void)::fchown(stream.write.get(), identity->uid, identity->gid);
  auto settings = log_settings(vassal, config, own_path(vassal), s_.options.log_space);
  const bool told = stream.id == id && settings == stream.settings && !fresh;
  if (stream.id != id) names_.erase(stream.id);
  stream.id = id;
  names_[id] = vassal;
  stream.settings = std::move(settings);
  stream.identity = identity;
  stream.tenants = !config.logto.empty();
  stream.adopted = false;
  if (!told) send(stream);
  return {};
}

void LoggerLink::synced() {
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (!it->second.adopted) {
      ++it;
      continue;
    }
    for (const char* what : {"read", "write"})
      s_.keeper.release(held_name("log", it->first, what));
    it = streams_.erase(it);
  }
  if (channel_) channel_->send({verbs::kSynced, {}});
}

uvx::Task<base::Result<base::Fd>> LoggerLink::open_for(
    std::string logto, std::optional<vassal::Identity> identity) {
  if (logto.empty()) co_return base::Fd();
  auto file = co_await open_tenant_log(s_.loop, logto, identity, strays_);
  if (!file) co_return std::unexpected(file.error());
  co_return std::move(file->fd);
}

base::Result<int> LoggerLink::output_for(const std::string& vassal,
                                         uint64_t id,
                                         const vassal::VassalConfig& config,
                                         const std::optional<vassal::Identity>& identity,
                                         base::Fd file) {
  if (auto kept = keep(vassal, id, config, identity); !kept)
    return base::wrap(kept.error(), "log");
  const Stream& stream = streams_[vassal];
  if (file) send_file(stream, std::move(file));
  return stream.write.get();
}

void LoggerLink::forget(const std::string& vassal) {
  const auto found = streams_.find(vassal);
  if (found == streams_.end()) return;
  if (channel_)
    channel_->send(wire::Message{verbs::kEnd, {}}.set("id", found->second.id));
  for (const char* what : {"read", "write"})
    s_.keeper.release(held_name("log", vassal, what));
  names_.erase(found->second.id);
  streams_.erase(found);
}

void LoggerLink::read(const std::string& vassal, int client, size_t lines, bool follow) {
  const auto found = streams_.find(vassal);
  if (found == streams_.end() || !channel_) return;
  channel_->send(wire::Message{verbs::kRead, {}}
                     .set("id", found->second.id)
                     .set("lines", lines)
                     .set("follow", follow ? 1 : 0),
                 {&client, 1});
}

void LoggerLink::refresh(const std::string& vassal, bool rotate) {
  const auto found = streams_.find(vassal);
  if (found == streams_.end() || !channel_) return;
  channel_->send(wire::Message{verbs::kFresh, {}}
                     .set("id", found->second.id)
                     .set("rotate", rotate ? 1 : 0));
}

LoggerLink::Stream* LoggerLink::find(uint64_t id) {
  const auto name = names_.find(id);
  return name == names_.end() ? nullptr : &streams_[name->second];
}

void LoggerLink::send(const Stream& stream) {
  if (!channel_ || !stream.read || stream.adopted) return;
  wire::Message message{verbs::kStream, {}};
  message.set("id", stream.id);
  write_fields(stream.settings, &message);
  const int fd = stream.read.get();
  channel_->send(message, {&fd, 1});
}

void LoggerLink::send_file(const Stream& stream, base::Result<base::Fd> file) {
  if (!channel_) return;
  wire::Message message{verbs::kFile, {}};
  message.set("id", stream.id).set("path", stream.settings.path);
  if (!file) message.set("error", file.error().message());
  const int fd = file ? file->get() : -1;
  channel_->send(message, std::span<const int>(&fd, file ? 1 : 0));
}

void LoggerLink::answer(const Asked& asked) {
  const Stream* stream = find(asked.id);
  if (stream == nullptr) return;
  if (!stream->tenants) {
    const auto& settings = stream->settings;
    if (asked.rotate && put_away(rotated_names(settings.path, settings.keep)) != 0)
      s_.log.warn("logger: cannot put away {}", settings.path);
    return send_file(*stream, open_own_log(settings.path));
  }
  asked_.push(owner_of(stream->identity), asked);
  answer_tenants();
}

void LoggerLink::answer_tenants() {
  while (auto turn = asked_.next())
    s_.tasks.spawn(answer_tenant(this, *turn));
}

uvx::Task<void> LoggerLink::answer_tenant(LoggerLink* self, Turn turn) {
  co_await self->s_.loop.yield();
  const Asked asked = turn.work;
  LogSettings settings;
  base::Result<TenantLog> file;
  if (const Stream* stream = self->find(asked.id)) {
    settings = stream->settings;
    auto names = asked.rotate ? rotated_names(settings.path, settings.keep)
                              : std::vector<std::string>();
    file = co_await open_tenant_log(self->s_.loop, settings.path, stream->identity,
                                    self->strays_, std::move(names));
  }
  self->asked_.done(turn);
  const Stream* stream = self->find(asked.id);
  if (stream != nullptr && stream->settings.path != settings.path) {
    self->answer({asked.id, false});  // it goes elsewhere now
  } else if (stream != nullptr) {
    if (file && file->emptied)
      self->s_.log.info("vassal {}: its log cannot be put away, it was emptied",
                        settings.name);
    self->send_file(*stream, file ? base::Result<base::Fd>(std::move(file->fd))
                                  : std::unexpected(file.error()));
  }
  self->answer_tenants();
}

}  // namespace emperor
