#include "emperor/log_stream.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace emperor {

using namespace std::chrono_literals;

namespace {

/// One turn of one vassal.
constexpr size_t kTurn = 64 * 1024;
/// Lines that come one by one are gathered for so long: a read and a write for each would
/// cost more than making them.
constexpr auto kGather = 10ms;
/// What has no end is written after that.
constexpr auto kPartial = 1s;
constexpr size_t kMostOut = 256 * 1024;
constexpr auto kBetweenRotations = 1s;
constexpr auto kAskAgain = 5s;
constexpr auto kLastFile = 2s;
constexpr size_t kMostFollowers = 16;

WallClock::time_point birth_of(int fd) {
  struct statx s{};
  const bool known = ::statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &s) == 0 &&
                     (s.stx_mask & STATX_BTIME) != 0;
  return known ? WallClock::from_time_t(s.stx_btime.tv_sec) : WallClock::now();
}

}  // namespace

LogStream::LogStream(Services services, uint64_t id, LogSettings settings, base::Fd pipe)
    : s_(std::move(services)),
      id_(id),
      settings_(std::move(settings)),
      pipe_(std::move(pipe)),
      poll_(s_.loop, pipe_.get()),
      encoder_(settings_.encoding, settings_.date, settings_.name) {
  rate_.set(settings_.rate);
}

void LogStream::start() {
  s_.tasks.spawn(run(shared_from_this()));
}

void LogStream::configure(LogSettings settings) {
  if (settings != settings_) {
    write_out();
    if (settings.path != settings_.path || !settings.file) {
      file_.reset();
      before_.reset();
      facts_ = {};
    }
    settings_ = std::move(settings);
    encoder_ = LineEncoder(settings_.encoding, settings_.date, settings_.name);
    rate_.set(settings_.rate);
  }
  if (file_) return;
  // What was asked for was another file, or whoever was asked is gone.
  facts_.asked = false;
  if (!settings_.file)
    answer_waiting("it is kept elsewhere (logger)");
  else if (!waiting_.empty() || !out_.empty())
    ask(Ask::open);
}

// ---- from the pipe
// ---------------------------------------------------------------------------

uvx::Task<void> LogStream::run(std::shared_ptr<LogStream> self) {
  for (;;) {
    // Whoever floods the pipe does not keep it from ending.
    if (self->ending_ && self->last_turns_-- == 0) break;
    const Got got = self->read_pipe();
    if (got == Got::end || (got == Got::nothing && self->ending_)) break;
    if (got == Got::much)
      co_await self->s_.loop.yield();
    else if (got == Got::some)
      (void)co_await self->s_.loop.sleep_for(kGather);
    else if (const auto deadline =
                 self->unsettled() ? base::Deadline::in(kPartial) : base::Deadline();
             !co_await self->poll_.readable(deadline))
      self->settle();
  }
  co_await self->wait_for_file();
  self->finish();
}

/// Something is to be said even if the vassal says nothing more.
bool LogStream::unsettled() const {
  return splitter_.partial() || dropped_ > 0 || !out_.empty() || !waiting_.empty();
}

void LogStream::settle() {
  splitter_.flush([&](std::string_view line) { add_line(line); });
  tell_dropped(base::Clock::now(), WallClock::now());
  write_out();
  if (!file_ && !waiting_.empty()) ask(Ask::open);
}

/// In turns of read_pipe().
size_t LogStream::in_pipe() const {
  int bytes = 0;
  (void)::ioctl(pipe_.get(), FIONREAD, &bytes);
  return static_cast<size_t>(bytes) / kTurn + 1;
}

LogStream::Got LogStream::read_pipe() {
  static thread_local std::array<char, kTurn> buffer;
  const ssize_t n = ::read(pipe_.get(), buffer.data(), buffer.size());
  if (n == 0) return Got::end;
  if (n < 0) return errno == EAGAIN || errno == EINTR ? Got::nothing : Got::end;
  splitter_.feed({buffer.data(), static_cast<size_t>(n)},
                 [&](std::string_view line) { add_line(line); });
  write_out();
  return static_cast<size_t>(n) == buffer.size() ? Got::much : Got::some;
}

void LogStream::add_line(std::string_view line) {
  const auto now = base::Clock::now();
  if (!rate_.take(line.size(), now)) return drop("log-rate");
  const auto today = WallClock::now();
  if (dropped_ > 0 && now - told_ >= 1s) tell_dropped(now, today);
  if (!put(line, today)) drop("no room");
}

void LogStream::drop(const char* why) {
  ++dropped_;
  dropped_why_ = why;
}

void LogStream::tell_dropped(base::Instant now, WallClock::time_point today) {
  if (dropped_ == 0 || now - told_ < 1s) return;
  told_ = now;
  const auto count = std::exchange(dropped_, 0);
  if (!put(fmt::format("... {} lines dropped ({})", count, dropped_why_), today))
    dropped_ = count;
}

/// To every place; whether its file had room, or the only other place.
bool LogStream::put(std::string_view line, WallClock::time_point today) {
  bool taken = true;
  if (settings_.journald) taken = s_.targets.to_journald(settings_.name, line);
  if (settings_.syslog)
    taken = s_.targets.to_syslog(settings_.name, line, today) && taken;
  if (!settings_.file && followers_.empty()) return taken;
  const size_t before = out_.size();
  encoder_.append(out_, line, today);
  const std::string_view encoded = std::string_view(out_).substr(before);
  for (const auto& follower : followers_)
    follower->send(encoded);
  if (!settings_.file) {
    out_.resize(before);
    return taken;
  }
  const auto now = base::Clock::now();
  if (now - asked_at_ > kAskAgain) facts_.asked = false;
  const auto fit = fits(facts_, settings_.rotation, out_.size(), now, today);
  if (file_ && fit.rotate) ask(Ask::rotate);
  if ((!file_ && out_.size() > kMostOut) || (file_ && !fit.write)) {
    out_.resize(before);
    return false;
  }
  ++out_lines_;
  return true;
}

// ---- to the file
// -----------------------------------------------------------------------------

void LogStream::ask(Ask what) {
  const auto now = base::Clock::now();
  // An answer that never came was lost with an emperor: asked again after a while.
  if (facts_.asked && now - asked_at_ < kAskAgain) return;
  facts_.asked = true;
  asked_at_ = now;
  asked_for_ = what;
  s_.ask(id_, what);
}

void LogStream::refresh(Ask what) {
  const bool early = base::Clock::now() < facts_.may_rotate_from;
  if (file_ && !early && (what == Ask::open || facts_.size > 0)) ask(what);
}

void LogStream::write_out() {
  std::erase_if(followers_, [](const auto& f) { return f->gone(); });
  if (out_.empty()) return;
  if (!file_) return ask(Ask::open);
  if (std::exchange(torn_, false)) out_.insert(0, "\n");
  const ssize_t n = ::write(file_.get(), out_.data(), out_.size());
  const size_t written = n > 0 ? static_cast<size_t>(n) : 0;
  facts_.size += written;
  if (written < out_.size()) {
    const std::string_view lost = std::string_view(out_).substr(written);
    dropped_ += static_cast<uint64_t>(std::ranges::count(lost, '\n'));
    dropped_why_ = "the disk takes no more";
    torn_ = written > 0 && out_[written - 1] != '\n';
  }
  out_.clear();
  out_.shrink_to_fit();
  out_lines_ = 0;
}

void LogStream::take_file(base::Fd file,
                          const std::string& path,
                          const std::string& why_not) {
  if (path != settings_.path || !settings_.file) return;
  facts_.asked = false;
  const auto now = base::Clock::now();
  if (file) {
    struct stat s{};
    (void)::fstat(file.get(), &s);
    struct stat old{};
    const bool had = file_ && ::fstat(file_.get(), &old) == 0;
    const bool another = had && old.st_ino != s.st_ino;
    // One that can only be emptied begins anew, as old as it is.
    const bool emptied = had && !another && asked_for_ == Ask::rotate;
    if (another && settings_.keep > 0) before_ = std::move(file_);
    facts_ = {.size = static_cast<uint64_t>(s.st_size),
              .born = emptied ? WallClock::now() : birth_of(file.get()),
              .asked = false,
              .may_rotate_from = now + kBetweenRotations};
    file_ = std::move(file);
    torn_ = false;
  } else if (file_) {
    facts_.may_rotate_from = now + kAskAgain;
  } else {
    // Nobody waits for it; the next line asks again after a while.
    facts_.asked = true;
    asked_at_ = now;
    dropped_ += std::exchange(out_lines_, 0);
    dropped_why_ = "there is no file";
    out_.clear();
  }
  write_out();
  answer_waiting(why_not);
}

// ---- to those who read it
// --------------------------------------------------------------------

void LogStream::read(base::Fd client, size_t lines, bool follow) {
  for (size_t turns = in_pipe(); turns > 0 && read_pipe() == Got::much; --turns) {
  }
  const Reading reading{std::make_shared<LogReader>(s_.loop, std::move(client)), lines,
                        follow};
  reading.reader->start(s_.tasks);
  if (!settings_.file) {
    reading.reader->send("... the log is kept elsewhere (logger)\n");
    show(reading);
  } else if (file_) {
    show(reading);
  } else {
    waiting_.push_back(reading);
    ask(Ask::open);
  }
}

void LogStream::answer_waiting(const std::string& why_not) {
  for (const auto& reading : std::exchange(waiting_, {})) {
    if (!file_) reading.reader->send("... there is no log: " + why_not + "\n");
    show(reading);
  }
}

void LogStream::show(const Reading& reading) {
  if (file_) {
    std::string text = last_lines(file_.get(), reading.lines);
    const auto have = static_cast<size_t>(std::ranges::count(text, '\n'));
    if (before_ && have < reading.lines)
      text.insert(0, last_lines(before_.get(), reading.lines - have));
    reading.reader->send(text);
  }
  if (reading.follow && !ending_ && followers_.size() < kMostFollowers)
    followers_.push_back(reading.reader);
  else
    reading.reader->finish();
}

// ---- the end
// ---------------------------------------------------------------------------------

void LogStream::end() {
  if (std::exchange(ending_, true)) return;
  last_turns_ = in_pipe();
  poll_.close();
}

void LogStream::leave() {
  end();
  last_turns_ = 0;
}

/// The last lines of one whose file is just being opened.
uvx::Task<void> LogStream::wait_for_file() {
  splitter_.flush([&](std::string_view line) { add_line(line); });
  told_ = {};
  tell_dropped(base::Clock::now(), WallClock::now());
  write_out();
  const auto deadline = base::Deadline::in(kLastFile);
  while ((!out_.empty() || !waiting_.empty()) && !deadline.passed())
    (void)co_await s_.loop.sleep_for(5ms);
}

void LogStream::finish() {
  ending_ = true;
  poll_.close();
  for (const auto& follower : followers_)
    follower->finish();
  for (const auto& reading : waiting_)
    reading.reader->finish();
  followers_.clear();
  waiting_.clear();
  s_.over(id_);
}

}  // namespace emperor
