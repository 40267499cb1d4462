#include "vassal/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "base/wire/uwsgi_packet.h"
#include "vassal/journal.h"
#include "vassal/request_mount.h"
#include "vassal/static_files.h"

namespace vassal {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A client may be slow to take a download; nginx itself gives it this long by default.
constexpr seconds kWritePatience{60};
/// How long the rest of a body that nobody read is waited for.
constexpr seconds kLinger{1};
/// A connection that waited longer than this is looked at before it is served.
constexpr milliseconds kFresh{50};
/// How long a packet that trickles in may take altogether.
constexpr seconds kPacketPatience{15};

uint64_t now_ns() {
  return base::to_wire(base::Clock::now());
}

/// Whether the client is gone for good. A half-closed unix pair still takes an answer; on
/// TCP the front never closes just one half.
bool hung_up(int fd) {
  pollfd p{fd, POLLRDHUP, 0};
  if (::poll(&p, 1, 0) <= 0) return false;
  if ((p.revents & (POLLHUP | POLLERR)) != 0) return true;
  int domain = AF_UNIX;
  socklen_t size = sizeof(domain);
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain != AF_UNIX;
}

}  // namespace

Server::Server(const Bench& bench, std::atomic<uint64_t>& pulse)
    : bench_(bench),
      pulse_(pulse),
      buffer_(new char[kBuffer]),
      core_(bench.runtime != nullptr ? bench.runtime->make_core() : nullptr),
      connection_(bench.runtime,
                  bench.config.socket_timeout,
                  std::max(bench.config.socket_timeout, kWritePatience)),
      writer_(connection_),
      log_(bench.config) {}

void Server::serve(Arrival arrival) {
  connection_.take(std::move(arrival.fd),
                   arrival.one_way ? Connection::Way::out : Connection::Way::both);
  if (!worth_serving(arrival) || !read_packet(arrival)) return connection_.close();
  const uint64_t began = now_ns();
  begin_request(began);
  writer_.begin(request_.protocol, arrival.framing, request_.is_head());
  answer();
  end_request(began);
}

/// A request that nobody waits for any more is not run; one that came too late is told
/// so.
bool Server::worth_serving(const Arrival& arrival) {
  if (!arrival.handed_over) return true;
  const base::Instant now = base::Clock::now();
  if (arrival.deadline.passed(now)) {
    writer_.begin("HTTP/1.1", arrival.framing, false);
    writer_.head().set_status("503");
    writer_.head().add("Retry-After", "1");
    constexpr std::string_view kPage = "The site is busy: the request waited too long.\n";
    writer_.head().add("Content-Type", "text/plain");
    writer_.head().add("Content-Length", std::to_string(kPage.size()));
    writer_.write(kPage, true);
    connection_.linger(milliseconds(0));
    return false;
  }
  return now - arrival.arrived < kFresh || !hung_up(connection_.fd());
}

bool Server::read_more(size_t& have, size_t want) {
  char* payload = buffer_.get() + wire::kHandoffHeader;
  const base::Deadline deadline = base::Deadline::in(kPacketPatience);
  while (have < want) {
    const size_t room = wire::kMaxHandoff - have;
    const ssize_t n = have == 0 ? connection_.receive_soon(payload, room)
                                : connection_.receive(payload + have, room);
    if (n <= 0) {
      refuse_packet(n == 0            ? "it ends before the packet does"
                    : n == -ETIMEDOUT ? "the packet does not come"
                                      : "the connection broke");
      return false;
    }
    have += static_cast<size_t>(n);
    if (have < want && deadline.passed()) {
      refuse_packet("the packet comes too slowly");
      return false;
    }
  }
  return true;
}

bool Server::read_packet(const Arrival& arrival) {
  size_t have = arrival.size;
  const char* payload = buffer_.get() + wire::kHandoffHeader;
  if (!read_more(have, wire::kPacketHeader)) return false;
  const auto header = wire::decode_header({payload, have}).value_or(wire::PacketHeader{});
  const char* wrong = nullptr;
  if (header.size > bench_.config.buffer_size)
    wrong = "the packet is larger than buffer-size";
  else if (header.modifier1 != 0 && header.modifier1 != kScriptNameModifier)
    wrong = "no application for this modifier (is it a uwsgi packet?)";
  else if (!read_more(have, header.total()))
    return false;
  else
    wrong =
        request_.parse({payload + wire::kPacketHeader, header.size}, header.modifier1);
  if (wrong != nullptr) {
    refuse_packet(wrong);
    return false;
  }
  auto length = request_.content_length;
  if (!length && arrival.one_way) length = have - header.total();  // all there is
  if (!length && arrival.framing == Framing::until_close) length = 0;
  body_.begin(connection_, {payload + header.total(), have - header.total()}, length,
              bench_.config.limit_post);
  app_ = choose_mount(request_, bench_.prefixes, bench_.config.manage_script_name);
  return true;
}

void Server::refuse_packet(const char* why) {
  say(Level::warn, "request from " + connection_.peer() + " refused: " + why);
}

void Server::answer() {
  const uint64_t limit = bench_.config.limit_post;
  if (limit != 0 && request_.content_length.value_or(0) > limit) {
    writer_.answer("413", "The request body is larger than this site takes.\n");
    return;
  }
  if (!bench_.config.static_maps.empty() && answer_static()) return;
  if (core_)
    core_->serve(*this);
  else
    writer_.answer("404", "Not found.\n");
}

bool Server::answer_static() {
  const auto file = find_static(request_, bench_.config.static_maps);
  if (!file) return false;
  ResponseHead& head = writer_.head();
  const auto since = parse_http_date(request_.if_modified_since);
  const bool unchanged = since && *since >= file->modified;
  head.set_status(unchanged ? "304" : "200");
  if (!file->type.empty()) head.add("Content-Type", file->type);
  if (!unchanged) head.add("Content-Length", std::to_string(file->size));
  head.add("Last-Modified", http_date(file->modified));
  if (!unchanged) writer_.write_file(file->fd.get(), 0);
  writer_.finish();
  return true;
}

void Server::begin_request(uint64_t began_ns) {
  pulse_.store(began_ns, std::memory_order_seq_cst);
  bench_.line.taken.fetch_add(1, std::memory_order_relaxed);
  if (bench_.busy.fetch_add(1, std::memory_order_relaxed) == 0)
    set_state(bench_.line, wire::WorkerState::busy, began_ns);
  // The master only looks after requests while there are some; the first one wakes it.
  wire::Scoreboard& board = bench_.board;
  if (board.master_asleep.load(std::memory_order_seq_cst) != 0 &&
      board.master_asleep.exchange(0) != 0)
    ::eventfd_write(bench_.master_poke, 1);
}

void Server::end_request(uint64_t began_ns) {
  // The client has its answer before the figures are written down.
  if (!body_.ended()) connection_.linger(kLinger);
  connection_.close();
  const uint64_t ended = now_ns();
  const int status = writer_.status();
  wire::WorkerLine& line = bench_.line;
  if (status >= 100 && status < 600)
    line.status[status / 100 - 1].fetch_add(1, std::memory_order_relaxed);
  line.bytes.fetch_add(writer_.bytes(), std::memory_order_relaxed);
  line.finished.fetch_add(1, std::memory_order_relaxed);
  pulse_.store(0, std::memory_order_relaxed);
  if (bench_.busy.fetch_sub(1, std::memory_order_relaxed) == 1)
    set_state(line, wire::WorkerState::idle, ended);
  if (!log_.on()) return;
  log_.add(request_, {.worker = bench_.worker_id,
                      .worker_count = line.finished.load(std::memory_order_relaxed),
                      .status = status,
                      .body_bytes = writer_.body_bytes(),
                      .head_bytes = writer_.head_bytes(),
                      .headers = writer_.header_count(),
                      .microseconds = (ended - began_ns) / 1000,
                      .unix_time = std::chrono::system_clock::to_time_t(
                          std::chrono::system_clock::now())});
}

}  // namespace vassal
