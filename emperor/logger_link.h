// LoggerLink: the emperor's side of the logger. Starts the process and starts it again,
// makes the vassals' pipes, and opens and puts away their files when the logger asks.
//
// The keeper holds both ends of every pipe: no line is lost with a logger or an emperor.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/process.h"
#include "emperor/keeper_link.h"
#include "emperor/log_settings.h"
#include "emperor/options.h"
#include "emperor/tenant_child.h"
#include "emperor/turn_queue.h"
#include "vassal/identity.h"

namespace emperor {

class LoggerLink {
 public:
  struct Services {
    uvx::Loop& loop;
    uvx::TaskGroup& tasks;
    KeeperLink& keeper;
    base::Log& log;
    const Options& options;
  };
  explicit LoggerLink(Services services) : s_(services) {}

  /// Takes the pipes that `held` has, and starts the process or adopts the one that is
  /// there. Then add() for every vassal with a pipe, and synced().
  void start(Held* held);
  /// A vassal's log from now on. `identity`: who opens its `logto`.
  base::Result<> keep(const std::string& vassal,
                      uint64_t id,
                      const vassal::VassalConfig& config,
                      const std::optional<vassal::Identity>& identity);
  /// Every vassal that has a log was named: other pipes of an earlier emperor's go.
  void synced();

  /// Its `logto` opened as the tenant: what fails there is the vassal's error. Empty: the
  /// log is not the tenant's.
  uvx::Task<base::Result<base::Fd>> open_for(std::string logto,
                                             std::optional<vassal::Identity> identity);
  /// keep(), with what open_for() gave. The writing end; ours, valid until forget().
  base::Result<int> output_for(const std::string& vassal,
                               uint64_t id,
                               const vassal::VassalConfig& config,
                               const std::optional<vassal::Identity>& identity,
                               base::Fd file);
  /// Writes what is left of it and lets go.
  void forget(const std::string& vassal);

  /// Gives `client` the last lines, and with `follow` what comes after them.
  void read(const std::string& vassal, int client, size_t lines, bool follow);
  bool has(const std::string& vassal) const { return streams_.contains(vassal); }
  /// A file of its own beside what it writes now is wanted: the old one is put away, or
  /// was by somebody else.
  void refresh(const std::string& vassal, bool rotate);
  /// A log in the run directory.
  std::string own_path(const std::string& vassal) const;

  /// After an upgrade: another process of the new program goes on.
  void replace();
  bool on_exit(pid_t pid, base::ExitStatus status);
  /// Everything written, the process gone (killed at the deadline).
  uvx::Task<void> stop(base::Deadline deadline);

 private:
  struct Stream {
    uint64_t id = 0;
    base::Fd read;
    base::Fd write;
    LogSettings settings;
    std::optional<vassal::Identity> identity;
    bool tenants = false;  ///< the file is the tenant's
    bool adopted = false;  ///< and nobody asked for it yet
  };
  struct Asked {
    uint64_t id;
    bool rotate;
    auto operator<=>(const Asked&) const = default;
  };
  base::Result<> spawn();
  void attach(base::Fd control);
  void send_everything();
  void send(const Stream& stream);
  void send_file(const Stream& stream, base::Result<base::Fd> file);
  base::Result<> make_pipe(const std::string& vassal, Stream* stream);
  Stream* find(uint64_t id);
  static uvx::Task<void> listen_to(LoggerLink* self, std::shared_ptr<MessageChannel> c);
  void answer(const Asked& asked);
  void answer_tenants();
  using Turn = TurnQueue<Asked>::Turn;
  static uvx::Task<void> answer_tenant(LoggerLink* self, Turn turn);
  void failed();
  static uvx::Task<void> kill_late(LoggerLink* self, pid_t pid);
  static uvx::Task<void> start_again(LoggerLink* self);

  Services s_;
  std::map<std::string, Stream> streams_;
  std::map<uint64_t, std::string> names_;
  /// Of tenants' files, each of which needs a child.
  static constexpr size_t kAnswersAtOnce = 16;
  TurnQueue<Asked> asked_{kAnswersAtOnce};
  Strays strays_;
  std::shared_ptr<MessageChannel> channel_;
  pid_t pid_ = -1;
  base::Pidfd pidfd_;
  base::Instant began_;
  base::Duration wait_ = std::chrono::milliseconds(10);
  bool stopping_ = false;
};

}  // namespace emperor
