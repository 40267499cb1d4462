// Serving: one request and its answer, without the question who waits for what.
//
// What a thread that serves one request after the other (Server) and one that serves many
// at once (Crowd) have in common: a connection, the packet that is read from it, what the
// worker answers itself, and the figures at the end.
#pragma once

#include <atomic>
#include <expected>
#include <span>
#include <string>

#include "vassal/connection.h"
#include "vassal/intake.h"
#include "vassal/request.h"
#include "vassal/request_body.h"
#include "vassal/request_log.h"
#include "vassal/response_writer.h"
#include "vassal/runtime.h"
#include "vassal/scoreboard.h"

namespace vassal {

/// What all servers of one worker share.
struct Bench {
  const VassalConfig& config;
  Runtime* runtime;                       ///< null: static files only
  std::span<const std::string> prefixes;  ///< of the applications, by index
  wire::Scoreboard& board;
  wire::WorkerLine& line;
  int master_poke;              ///< eventfd
  uint32_t worker_id;           ///< from 1
  std::atomic<uint32_t>& busy;  ///< requests that are being served
};

/// How long a packet that trickles in may take altogether.
inline constexpr std::chrono::seconds kPacketPatience{15};
/// How long the rest of a body that nobody read is waited for.
inline constexpr std::chrono::seconds kLinger{1};
/// A client may be slow to take a download; nginx itself gives it this long by default.
std::chrono::milliseconds write_patience(const VassalConfig& config);

class Serving final : public Exchange {
 public:
  explicit Serving(const Bench& bench);

  Connection& connection() { return connection_; }
  ResponseWriter& writer() { return writer_; }
  const RequestBody& body() const { return body_; }

  /// Takes over the connection. False if the request is not to be run: nobody waits for
  /// its answer any more, or it came too late and was told so.
  bool take(Arrival& arrival);
  /// How many bytes have to be there of the packet that `bytes` begin with; what is wrong
  /// with it, if that shows.
  std::expected<size_t, const char*> packet_size(std::string_view bytes) const;
  /// Reads the packet, which is whole; what follows it begins the body. `bytes` must stay
  /// in place as long as the request. What is wrong with it, or null.
  const char* open(std::string_view bytes, const Arrival& arrival);
  /// For the log.
  void refuse(const char* why);

  /// Counts it in. `began_ns`: on the monotonic clock.
  void begin(uint64_t began_ns);
  /// Gives the answers that need no application. False: it is for the application.
  bool answer_itself();
  /// Counts it out, with a line in `log`.
  void end(uint64_t began_ns, RequestLog& log);

  const Request& request() const override { return request_; }
  size_t app() const override { return app_; }
  ssize_t read_body(char* into, size_t size) override { return body_.read(into, size); }
  std::optional<uint64_t> body_left() const override { return body_.left(); }
  int fd() const override { return connection_.fd(); }
  ResponseHead& head() override { return writer_.head(); }
  bool head_sent() const override { return writer_.head_sent(); }
  int write(std::string_view data, bool whole) override {
    return writer_.write(data, whole);
  }
  int write_file(int file, off_t offset) override {
    return writer_.write_file(file, offset);
  }
  int finish() override { return writer_.finish(); }
  void fail() override { writer_.fail(); }

 private:
  bool worth_serving(const Arrival& arrival);
  bool answer_static();

  const Bench& bench_;
  Connection connection_;
  Request request_;
  RequestBody body_;
  ResponseWriter writer_;
  size_t app_ = 0;
};

/// The master only looks after requests while there are some; the first one wakes it.
void wake_master(const Bench& bench);

/// Nanoseconds on the monotonic clock.
uint64_t now_ns();

}  // namespace vassal
