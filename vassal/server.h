// Server: one thread that serves requests, one after the other.
//
// Reads the packet, lets static files or the application answer, closes. Everything it
// needs per request is allocated once and used again. Knows nothing of the process around
// it (Worker) but its line on the scoreboard.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

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
  std::atomic<uint32_t>& busy;  ///< servers that hold a request
};

class Server final : public Exchange {
 public:
  /// `pulse`: when the request at hand began, in nanoseconds; 0 between requests.
  Server(const Bench& bench, std::atomic<uint64_t>& pulse);

  std::span<char> buffer() { return {buffer_.get(), kBuffer}; }
  /// Serves one connection, whose first bytes are in buffer().
  void serve(Arrival arrival);
  RequestLog& log() { return log_; }

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
  static constexpr size_t kBuffer = wire::kHandoffHeader + wire::kMaxHandoff;

  bool worth_serving(const Arrival& arrival);
  bool read_packet(const Arrival& arrival);
  bool read_more(size_t& have, size_t want);
  void refuse_packet(const char* why);
  void answer();
  bool answer_static();
  void begin_request(uint64_t began_ns);
  void end_request(uint64_t began_ns);

  Bench bench_;
  std::atomic<uint64_t>& pulse_;
  std::unique_ptr<char[]> buffer_;
  std::unique_ptr<RuntimeCore> core_;
  Connection connection_;
  Request request_;
  RequestBody body_;
  ResponseWriter writer_;
  RequestLog log_;
  size_t app_ = 0;
};

}  // namespace vassal
