// The figures of uWSGI's emperor (`emperor-stats`): one JSON object for whoever connects,
// then the end. And the server for them and for other pages (metrics.h).
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/log.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"
#include "emperor/options.h"
#include "emperor/record.h"
#include "emperor/wake.h"

namespace emperor {

/// The object, with uWSGI's names. Times are Unix seconds.
std::string stats_json(const Roster& roster, const Options& options);

class StatsServer {
 public:
  /// How a client is spoken to: `bare` sends the page to whoever connects, `http` reads
  /// the head of a request first, whatever it asks for.
  enum class Protocol { bare, http };
  /// `name`: of the option, for the log. `prepare`: what has to be waited for before
  /// `figures` are made.
  StatsServer(uvx::Loop& loop,
              uvx::TaskGroup& tasks,
              base::Log& log,
              const char* name,
              Protocol protocol,
              std::function<std::string()> figures,
              std::function<uvx::Task<void>()> prepare = nullptr)
      : loop_(loop),
        tasks_(tasks),
        log_(log),
        name_(name),
        protocol_(protocol),
        figures_(std::move(figures)),
        prepare_(std::move(prepare)),
        end_(loop) {}

  /// Serves `address`, a unix path or host:port, as soon as it can be had: the emperor
  /// that this one follows may still hold it.
  void start(const std::string& address);
  /// Ends the listening and every answer under way; removes the socket's file.
  void close();

 private:
  static uvx::Task<void> serve(StatsServer* self);
  uvx::Task<void> accept();
  static uvx::Task<void> answer(StatsServer* self, base::Fd client);
  uvx::Task<void> send_page(uvx::Poll& poll, int client);
  uvx::Task<std::string> page();

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  base::Log& log_;
  const char* name_;
  Protocol protocol_;
  std::function<std::string()> figures_;
  std::function<uvx::Task<void>()> prepare_;  // before a page is made
  std::string page_;
  base::Deadline made_{base::Instant{}};  // when page_ is to be made anew
  Wake end_;
  std::string address_;
  base::Fd listener_;
  std::unique_ptr<uvx::Poll> poll_;
  std::set<uvx::Poll*> answers_;
};

}  // namespace emperor
