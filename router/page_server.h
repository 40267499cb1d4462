// PageServer: gives a page of figures to whoever connects: over HTTP if he asks, bare if
// he says nothing (as uWSGI does it).
#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/log.h"
#include "base/uv/poll.h"
#include "base/uv/task_group.h"
#include "router/stream.h"

namespace router {

class PageServer {
 public:
  struct Kind {
    const char* name;          ///< of the option, for the log
    const char* content_type;  ///< over HTTP
    bool bare;                 ///< whoever says nothing gets the page, too
  };
  using Make = std::function<uvx::Task<std::string>()>;
  /// `socket` listens. Answers run in `tasks`, until close().
  PageServer(uvx::Loop& loop,
             uvx::TaskGroup& tasks,
             base::Log& log,
             base::Fd socket,
             const Kind& kind,
             Make make);

  /// Whether `socket` is the one it answers at.
  bool is_of(int socket) const { return base::same_file(socket_.get(), socket); }
  uvx::Task<void> run();
  void close();

 private:
  static uvx::Task<void> answer(PageServer* self, base::Fd client);
  uvx::Task<void> answer_on(Stream& client);

  uvx::Loop& loop_;
  uvx::TaskGroup& tasks_;
  base::Log& log_;
  base::Fd socket_;
  uvx::Poll poll_;
  Kind kind_;
  Make make_;
  std::set<Stream*> answers_;
  bool closed_ = false;
};

}  // namespace router
