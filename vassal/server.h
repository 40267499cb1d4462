// Server: one thread that serves requests, one after the other.
//
// Reads the packet, lets static files or the application answer, closes. Everything it
// needs per request is allocated once and used again. Knows nothing of the process around
// it (Worker) but its line on the scoreboard.
#pragma once

#include <atomic>
#include <memory>
#include <span>

#include "vassal/serving.h"

namespace vassal {

class Server {
 public:
  /// `pulse`: when the request at hand began, in nanoseconds; 0 between requests.
  Server(const Bench& bench, std::atomic<uint64_t>& pulse);

  std::span<char> buffer() { return {buffer_.get(), kArrivalBuffer}; }
  /// Serves one connection, whose first bytes are in buffer().
  void serve(Arrival arrival);
  RequestLog& log() { return log_; }

 private:
  bool read_packet(const Arrival& arrival);
  bool read_more(size_t& have, size_t want);
  void answer();

  std::atomic<uint64_t>& pulse_;
  std::unique_ptr<char[]> buffer_;
  std::unique_ptr<RuntimeCore> core_;
  Serving serving_;
  RequestLog log_;
};

}  // namespace vassal
