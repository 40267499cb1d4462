#include "vassal/server.h"

#include <cerrno>

namespace vassal {

Server::Server(const Bench& bench, std::atomic<uint64_t>& pulse)
    : pulse_(pulse),
      buffer_(new char[kArrivalBuffer]),
      core_(bench.runtime != nullptr ? bench.runtime->make_core() : nullptr),
      serving_(bench),
      log_(bench.config) {}

void Server::serve(Arrival arrival) {
  if (!serving_.take(arrival) || !read_packet(arrival))
    return serving_.connection().close();
  const uint64_t began = now_ns();
  pulse_.store(began, std::memory_order_seq_cst);
  serving_.begin(began);
  answer();
  // The client has its answer before the figures are written down.
  if (!serving_.body().ended()) serving_.connection().linger(kLinger);
  serving_.connection().close();
  pulse_.store(0, std::memory_order_relaxed);
  serving_.end(began, log_);
}

void Server::answer() {
  if (!serving_.answer_itself()) core_->serve(serving_);
}

bool Server::read_more(size_t& have, size_t want) {
  char* payload = buffer_.get() + wire::kHandoffHeader;
  const base::Deadline deadline = base::Deadline::in(kPacketPatience);
  Connection& connection = serving_.connection();
  while (have < want) {
    const size_t room = wire::kMaxHandoff - have;
    const ssize_t n = have == 0 ? connection.receive_soon(payload, room)
                                : connection.receive(payload + have, room);
    if (n <= 0) {
      serving_.refuse(n == 0            ? "it ends before the packet does"
                      : n == -ETIMEDOUT ? "the packet does not come"
                                        : "the connection broke");
      return false;
    }
    have += static_cast<size_t>(n);
    if (have < want && deadline.passed()) {
      serving_.refuse("the packet comes too slowly");
      return false;
    }
  }
  return true;
}

bool Server::read_packet(const Arrival& arrival) {
  size_t have = arrival.size;
  const char* payload = buffer_.get() + wire::kHandoffHeader;
  const char* wrong = nullptr;
  for (;;) {
    const auto size = serving_.packet_size({payload, have});
    if (!size) {
      wrong = size.error();
      break;
    }
    if (have >= *size) {
      wrong = serving_.open({payload, have}, arrival);
      break;
    }
    if (!read_more(have, *size)) return false;
  }
  if (wrong != nullptr) serving_.refuse(wrong);
  return wrong == nullptr;
}

}  // namespace vassal
