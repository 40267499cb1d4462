#include "vassal/serving.h"

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

constexpr seconds kWritePatience{60};
/// A connection that waited longer than this is looked at before it is served.
constexpr milliseconds kFresh{50};

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

uint64_t now_ns() {
  return base::to_wire(base::Clock::now());
}

void wake_master(const Bench& bench) {
  wire::Scoreboard& board = bench.board;
  if (board.master_asleep.load(std::memory_order_seq_cst) != 0 &&
      board.master_asleep.exchange(0) != 0)
    ::eventfd_write(bench.master_poke, 1);
}

milliseconds write_patience(const VassalConfig& config) {
  return std::max(config.socket_timeout, kWritePatience);
}

Serving::Serving(const Bench& bench)
    : bench_(bench),
      connection_(
          bench.runtime, bench.config.socket_timeout, write_patience(bench.config)),
      writer_(connection_) {}

bool Serving::take(Arrival& arrival) {
  connection_.take(std::move(arrival.fd),
                   arrival.one_way ? Connection::Way::out : Connection::Way::both);
  return worth_serving(arrival);
}

/// A request that nobody waits for any more is not run; one that came too late is told
/// so.
bool Serving::worth_serving(const Arrival& arrival) {
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

std::expected<size_t, const char*> Serving::packet_size(std::string_view bytes) const {
  const auto header = wire::decode_header(bytes);
  if (!header) return wire::kPacketHeader;
  if (header->size > bench_.config.buffer_size)
    return std::unexpected("the packet is larger than buffer-size");
  if (header->modifier1 != 0 && header->modifier1 != kScriptNameModifier)
    return std::unexpected("no application for this modifier (is it a uwsgi packet?)");
  return header->total();
}

const char* Serving::open(std::string_view bytes, const Arrival& arrival) {
  const auto header = wire::decode_header(bytes).value_or(wire::PacketHeader{});
  const std::string_view early = bytes.substr(header.total());
  if (const char* wrong = request_.parse(bytes.substr(wire::kPacketHeader, header.size),
                                         header.modifier1))
    return wrong;
  auto length = request_.content_length;
  if (!length && arrival.one_way) length = early.size();  // all there is
  if (!length && arrival.framing == Framing::until_close) length = 0;
  body_.begin(connection_, early, length, bench_.config.limit_post);
  app_ = choose_mount(request_, bench_.prefixes, bench_.config.manage_script_name);
  writer_.begin(request_.protocol, arrival.framing, request_.is_head());
  return nullptr;
}

void Serving::refuse(const char* why) {
  say(Level::warn, "request from " + connection_.peer() + " refused: " + why);
}

bool Serving::answer_itself() {
  const uint64_t limit = bench_.config.limit_post;
  if (limit != 0 && request_.content_length.value_or(0) > limit) {
    writer_.answer("413", "The request body is larger than this site takes.\n");
    return true;
  }
  if (!bench_.config.static_maps.empty() && answer_static()) return true;
  if (bench_.runtime != nullptr) return false;
  writer_.answer("404", "Not found.\n");
  return true;
}

bool Serving::answer_static() {
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

void Serving::begin(uint64_t began_ns) {
  bench_.line.taken.fetch_add(1, std::memory_order_relaxed);
  if (bench_.busy.fetch_add(1, std::memory_order_relaxed) == 0)
    set_state(bench_.line, wire::WorkerState::busy, began_ns);
  wake_master(bench_);
}

void Serving::end(uint64_t began_ns, RequestLog& log) {
  const uint64_t ended = now_ns();
  const int status = writer_.status();
  wire::WorkerLine& line = bench_.line;
  if (status >= 100 && status < 600)
    line.status[status / 100 - 1].fetch_add(1, std::memory_order_relaxed);
  line.bytes.fetch_add(writer_.bytes(), std::memory_order_relaxed);
  line.finished.fetch_add(1, std::memory_order_relaxed);
  if (bench_.busy.fetch_sub(1, std::memory_order_relaxed) == 1)
    set_state(line, wire::WorkerState::idle, ended);
  if (!log.on()) return;
  log.add(request_, {.worker = bench_.worker_id,
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
