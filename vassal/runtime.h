// Runtime: what vassal asks of an interpreter, and what the interpreter may ask of it.
//
// The only interface between the program, which links no interpreter, and the shared
// objects that embed one. Both sides are built together; no exception crosses it. The
// program owns descriptors, processes and protocol; a runtime owns the application and
// everything of its language.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vassal/config.h"
#include "vassal/request.h"
#include "vassal/response.h"

namespace vassal {

/// One request and its answer. Numbers that can fail are negative errno values.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const = 0;
  /// Which of the loaded applications it is for.
  virtual size_t app() const = 0;

  /// Up to `size` bytes of the body; 0 at its end. Waits.
  virtual ssize_t read_body(char* into, size_t size) = 0;
  /// Bytes that the body still holds, if that is known.
  virtual std::optional<uint64_t> body_left() const = 0;
  /// The connection, for applications that ask for it.
  virtual int fd() const = 0;

  /// The head of the answer, to be filled before the first write.
  virtual ResponseHead& head() = 0;
  virtual bool head_sent() const = 0;
  /// Sends body bytes, the head before the first of them. `whole`: these are all there
  /// are.
  virtual int write(std::string_view data, bool whole) = 0;
  /// Sends a regular file from `offset` to its end, or to the promised length.
  virtual int write_file(int file, off_t offset) = 0;
  /// The application is through. Sends the head if nothing did.
  virtual int finish() = 0;
  /// The application failed: a short 500 page if nothing was sent yet, else a cut
  /// connection.
  virtual void fail() = 0;
};

/// What one thread needs to serve requests.
class RuntimeCore {
 public:
  virtual ~RuntimeCore() = default;
  virtual void serve(Exchange& exchange) = 0;
};

/// A visitor's request, or WebSocket, that is served beside many others in one thread.
/// Nothing of its exchange waits: read_body() gives -EAGAIN where it would, and what the
/// visitor does not take at once is kept and goes out later.
class Visit {
 public:
  virtual ~Visit() = default;
  virtual Exchange& exchange() = 0;
  /// Bytes can come after the answer's head, too: it may be a WebSocket.
  virtual bool two_way() const = 0;

  /// What the runtime wants to be told of, once, by Visits::next_changed(): something can
  /// be read (or it is silent for too long), or the visitor leaves.
  enum class Watch : uint8_t { read, leave };
  virtual void watch(Watch what) = 0;
  /// Bytes that the visitor has not taken yet. While there are some, each time that it
  /// takes some of them counts as a change.
  virtual uint64_t push() = 0;
  /// Nobody is there any more to take an answer.
  virtual bool gone() const = 0;

  /// Behind a head of status 101: bytes of the other protocol. As recv(2), but negative
  /// errno values, and written whole. From then on harakiri does not count.
  virtual void switched() = 0;
  virtual ssize_t receive(char* into, size_t size) = 0;
  virtual int send(std::string_view data) = 0;

  /// The answer ends here: at once, or when the visitor has taken what was written.
  enum class Close : uint8_t { whole, cut };
  virtual void close(Close how) = 0;
  /// The runtime is through with it, and must not use it again.
  virtual void release() = 0;

  void* owner = nullptr;  ///< the runtime's own
};

/// All visits of a worker, and where further ones come from.
class Visits {
 public:
  virtual ~Visits() = default;
  /// Readable: look(). To be watched unless they are full or leaving.
  virtual int arrivals_fd() const = 0;
  /// Readable: heed(). To be watched always.
  virtual int changes_fd() const = 0;
  virtual void look() = 0;
  virtual void heed() = 0;
  /// After both, and after tick(): visits that are new, and known ones that changed; null
  /// at the end.
  virtual Visit* next_arrived() = 0;
  virtual Visit* next_changed() = 0;
  /// To be called every second while there are any: deadlines.
  virtual void tick() = 0;
  /// Writes down the requests that ended: before the thread waits.
  virtual void flush_log() = 0;

  virtual size_t count() const = 0;
  /// As many as the worker takes: no further ones.
  virtual bool full() const = 0;
  /// The worker is to finish what it has, and then go.
  virtual bool leaving() const = 0;
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  /// Starts the interpreter and loads the applications of the configuration, the default
  /// one first, then the mounts in order. On failure prints what the author of the
  /// application needs to standard error and returns the reason in one line.
  virtual std::optional<std::string> load(const VassalConfig& config) = 0;
  /// Called once after loading, before the first fork: nothing more is going to be
  /// loaded.
  virtual void settle() = 0;

  virtual void before_fork() = 0;
  virtual void after_fork_in_parent() = 0;
  virtual void after_fork_in_child(uint32_t worker_id) = 0;

  /// Whether the loaded applications take many requests at once in one thread: then a
  /// worker calls start() and serve() instead of asking for cores.
  virtual bool many_at_once() const = 0;
  /// In the worker, before it takes anything. Why the application does not start, in one
  /// line, if it does not.
  virtual std::optional<std::string> start() = 0;
  /// Serves until they leave and none is left.
  virtual void serve(Visits& visits) = 0;

  virtual std::unique_ptr<RuntimeCore> make_core() = 0;

  /// Gives up the interpreter while this thread waits, and takes it back.
  virtual void* release() = 0;
  virtual void acquire(void* token) = 0;
  /// For threads that the interpreter did not start: around all they do.
  virtual void enter_thread() = 0;
  virtual void leave_thread() = 0;

  /// The process is about to end: exit handlers, buffered output.
  virtual void finish() = 0;
};

/// The one symbol of a runtime's shared object. Null if the versions differ.
using MakeRuntime = Runtime* (*)(uint32_t abi);
inline constexpr uint32_t kRuntimeAbi = 2;
inline constexpr char kRuntimeSymbol[] = "imperium_make_runtime";

}  // namespace vassal
