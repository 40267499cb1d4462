// RouterLink: starts the fastrouter processes, owns what they listen on, and keeps their
// picture of vassals and routes right.
//
// Every (re)started router gets the whole picture, then changes. What is sent is made
// from the roster at the moment of sending, so a slow router never holds up anything and
// never sees a state that is older than the message before it. Routers run as an
// unprivileged user.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/wire/router_figures.h"
#include "emperor/certificate_feed.h"
#include "emperor/claims.h"
#include "emperor/keeper_link.h"
#include "emperor/options.h"
#include "emperor/record.h"
#include "emperor/wake.h"

namespace emperor {

class RouterLink {
 public:
  struct Services {
    uvx::Loop& loop;
    uvx::TaskGroup& tasks;
    KeeperLink& keeper;
    base::Log& log;
    const Options& options;
    Roster& roster;
    const Claims& claims;
  };
  explicit RouterLink(Services services) : s_(services), certificates_(s_.loop, s_.log) {}

  /// Binds the listeners, or takes them from `held`. An error here is a fault of the
  /// operator's.
  base::Result<> bind(Held* held);
  /// Starts the processes, or adopts those that `held` has control channels of.
  void start(Held* held);
  /// A new process in the place of each; the old one drains when the new one accepts. If
  /// a new one does not come up, the old one stays.
  void replace_all();
  /// Nobody reaps for us any more: the end of each process is seen by its pidfd.
  void watch_everybody();

  // What changed; each sends to every router.
  void vassal_changed(uint64_t id);
  void state_changed(uint64_t id);
  void removed(uint64_t id);
  void route_changed(const std::string& host);

  /// A child was reaped; true if it was a router.
  bool on_exit(pid_t pid, base::ExitStatus status);
  /// A router says that this vassal's channel is unusable.
  std::function<void(uint64_t id)> on_spoiled;
  /// A router says that somebody waits for this vassal, which has no channel yet.
  std::function<void(uint64_t id)> on_wanted;

  /// Lets every router finish and go, kills what is left at the deadline, removes the
  /// sockets.
  uvx::Task<void> stop(base::Deadline deadline);
  /// Looks after nothing any more.
  void close() { certificates_.close(); }
  bool wanted() const { return !listeners_.empty(); }
  /// Asks every router for its figures; ready when all have answered, or a moment later.
  uvx::Task<void> gather();
  /// As far as they were heard of, those of routers that are gone included, but for what
  /// is so now.
  wire::RouterFigures figures() const;
  size_t running() const;

 private:
  struct Listener {
    std::string kind;     ///< "uwsgi", "http", "https" or "subscriptions"
    std::string held_as;  ///< at the keeper
    base::Fd socket;
    std::string path;  ///< to unlink; empty for TCP
  };
  struct Item {
    enum class Kind {
      certificates,
      listen,
      inbox,
      sibling,
      sibling_gone,
      vassal,
      state,
      remove,
      route,
      synced
    };
    Kind kind;
    uint64_t id = 0;
    std::string host = {};
  };
  /// One router's channel and what it has to be told; the coroutines on it end with it.
  struct Connection {
    Connection(uvx::Loop& loop, std::shared_ptr<MessageChannel> c)
        : channel(std::move(c)), wake(loop) {}
    std::shared_ptr<MessageChannel> channel;
    std::deque<Item> pending;
    uint64_t serial = 0;  ///< its inbox is known by it
    Wake wake;
    void close() {
      channel->close();
      wake.close();
    }
    wire::RouterFigures figures;   ///< its last answer
    wire::RouterFigures incoming;  ///< the one that is coming
    bool asked = false;            ///< it has not answered yet
  };
  struct Process {
    size_t index = 0;
    pid_t pid = -1;
    base::Pidfd pidfd;
    bool up = false;                 ///< it accepts
    bool adopted = false;            ///< whether it accepts is not known until it says so
    bool watched = false;            ///< its end is seen by its pidfd
    uvx::Poll* end_watch = nullptr;  ///< while that is waited for
    std::shared_ptr<Connection> connection;
    std::unique_ptr<Process> before;  ///< serves until this one does
    base::Duration wait = std::chrono::milliseconds(10);
    base::Instant began;
    bool may_be_up() const { return up || adopted; }
  };

  base::Result<> add_listener(const std::string& kind,
                              const std::string& address,
                              Held* held);
  base::Result<> spawn(Process& process);
  void adopt_all(Held* held);
  void place(std::unique_ptr<Process> process);
  std::unique_ptr<Process> adopt(size_t index, base::Pidfd pidfd, base::Fd control);
  void start_or_wait(Process& process);
  void replace(size_t index);
  void let_leave(std::unique_ptr<Process> process);
  void on_up(const Connection& connection);
  void on_outdated(const Connection& connection);
  /// A router asks what the others have counted: their answers are passed on to it.
  void ask_others(const Connection& asker, const wire::Message& question);
  void on_figures(Connection& connection, const wire::Message& message);
  /// A router's figures stay when it goes, also for the next emperor.
  void keep_figures(const Connection& connection);
  void take_figures(Held* held);
  void serving_ended(std::unique_ptr<Process>& process);
  bool leaving_ended(pid_t pid);
  void close(Process& process);
  void watch(Process& process);
  static uvx::Task<void> watch_end(RouterLink* self, base::Pidfd pidfd);
  Process* find(pid_t pid) const;
  /// Every process there is: those that serve, those before them, those that leave.
  std::vector<Process*> everybody() const;
  void queue_picture(const Process& process);
  void queue(const Item& item);
  void attach(Process& process, base::Fd control);
  void child_failed(Process& process);
  static uvx::Task<void> send_pending(RouterLink* self,
                                      std::shared_ptr<Connection> connection);
  static uvx::Task<void> listen_to(RouterLink* self,
                                   std::shared_ptr<Connection> connection);
  void hear(Connection& connection, const wire::Message& message);
  void warn_of_unproven() const;
  static uvx::Task<void> start_again(RouterLink* self, Process* process);
  bool send_item(MessageChannel& channel, const Item& item);
  static void add_relay(const Vassal& vassal, wire::Message* message);
  void make_inbox(Connection& connection);
  bool send_inbox(MessageChannel& channel, const Item& item);
  /// Who knows all nodes, and will tell the process of that serial.
  bool tells(const Process& process, uint64_t serial) const;
  bool send_synced(MessageChannel& channel, uint64_t serial);
  /// Stands for what a process is started with and what it listens on: one that an
  /// emperor before us started may have been told otherwise.
  std::string rules() const;
  bool send_vassal(MessageChannel& channel, const Vassal& vassal);

  Services s_;
  CertificateFeed certificates_;
  std::vector<Listener> listeners_;
  /// Where each process hears its siblings, by serial: receiving and sending end.
  std::map<uint64_t, base::FdPair> inboxes_;
  uint64_t last_serial_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;  ///< by index
  std::vector<std::unique_ptr<Process>> leaving_;    ///< they drain
  /// Of processes that ended, until all they said was heard.
  std::vector<std::shared_ptr<Connection>> ending_;
  /// Where the keeper has them.
  static constexpr char kGoneHeldAs[] = "router-figures";
  wire::RouterFigures gone_;  ///< figures of routers that have ended
  Wake gathered_{s_.loop};
  bool stopping_ = false;
};

/// What the router calls the state of a vassal.
std::string_view router_state(State state);

}  // namespace emperor
