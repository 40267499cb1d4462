#include "router/http_session.h"

#include <sys/socket.h>

#include "router/farewell.h"
#include "router/http_answer.h"
#include "router/peer_address.h"
#include "router/transfer.h"

namespace router {

namespace {

constexpr size_t kRead = 16 * 1024;
constexpr size_t kRelayBuffer = 64 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

using Buffer = std::unique_ptr<char[]>;
/// What is wrong with a head of which `received` bytes are there; nothing if it is, or
/// may become, a good one.
std::optional<Refusal> fault_of_head(const HttpMessage& message, size_t received) {
  if (message.state() == HttpMessage::State::broken) return refusal_of_broken(message);
  const bool whole = message.state() != HttpMessage::State::head;
  if ((whole ? message.head_size() : received) > kMaxHead) return refusals::kHeadTooLarge;
  return std::nullopt;
}

Buffer make_buffer() {
  return std::make_unique_for_overwrite<char[]>(kRelayBuffer);
}

}  // namespace

struct HttpSession::Exchange {
  HttpMessage& message;
  const HttpRequest& request;
  base::Fd pair;
  std::unique_ptr<uvx::Poll> poll;  // on the pair
  uint64_t limit_post = 0;
  uint64_t body_bytes = 0;

  bool body_over = false;  // all of it was read from the client
  bool client_gone = false;
  bool head_sent = false;   // some of the answer went out
  int status = 499;         // of the answer; without one: the client went
  bool answered = false;    // all of it did
  bool framed = true;       // the client can tell where the answer ends without our close
  bool keep_alive = false;  // the answer promised to go on
  base::Instant last_sent = base::Clock::now();   // something went to the worker
  std::optional<Refusal> refusal = std::nullopt;  // instead of an answer
};

HttpSession::HttpSession(Services& services, base::Fd client, base::Instant arrived)
    : services_(services),
      client_(std::move(client)),
      poll_(std::make_unique<uvx::Poll>(services.loop, client_.get())),
      arrived_(arrived),
      peers_(peers_of(client_.get())) {
  peers_.trusted = services.options.trusted_proxies.contains(peers_.remote_address);
}

uvx::Task<void> HttpSession::serve() {
  Next next = Next::request;
  while (next == Next::request && !finishing_ && !peers_.gone) {
    HttpMessage message(HttpMessage::Kind::request);
    if (!co_await read_head(message)) break;
    next = co_await serve_request(message);
    arrived_ = base::Clock::now();
  }
  poll_.reset();
  client_.reset();
}

void HttpSession::finish_soon() {
  finishing_ = true;
  if (between_requests_ && poll_) poll_->close();
}

uvx::Task<bool> HttpSession::read_head(HttpMessage& message) {
  // Empty lines before a request are allowed for old clients (RFC 9112, 2.2): http_parser
  // skips them, and so they count as a begun request only when a byte of it follows.
  base::Deadline deadline = base::Deadline::in(services_.options.http_timeout);
  set_between_requests(true);
  host_.clear();
  vassal_.reset();
  page_ = PageBody::sent;
  while (message.state() == HttpMessage::State::head) {
    if (in_.empty()) {
      if (!co_await receive_head(deadline)) co_return false;
      arrived_ = base::Clock::now();
    } else if (!between_requests_ && !co_await receive_head(deadline)) {
      co_return false;
    }
    if (between_requests_)
      deadline = base::Deadline::in(services_.options.head_patience());
    set_between_requests(false);
    message.read_head(in_);
    if (const auto fault = fault_of_head(message, in_.size())) {
      co_await refuse(*fault);
      co_return false;
    }
  }
  co_return true;
}

uvx::Task<bool> HttpSession::receive_head(base::Deadline deadline) {
  const size_t before = in_.size();
  in_.resize(before + kRead);
  const auto received =
      co_await receive(*poll_, client_.get(), {in_.data() + before, kRead}, deadline);
  in_.resize(before + received.value_or(0));
  if (received && *received > 0) co_return true;
  const bool late = !received && received.error().is(std::errc::timed_out);
  if (late && !between_requests_) co_await refuse(refusals::kHeadTimeout);
  co_return false;
}

uvx::Task<HttpSession::Next> HttpSession::serve_request(HttpMessage& message) {
  const auto request = check_request(message);
  if (!request) co_return co_await refuse(request.error());
  host_ = request->host;
  page_ = request->is_head() ? PageBody::left_out : PageBody::sent;
  auto packet = make_packet(*request, peers_);
  if (!packet) co_return co_await refuse(packet.error());
  const auto vassal = services_.choose(request->host, request->content_length);
  if (!vassal) co_return co_await refuse(vassal.error());
  vassal_ = (*vassal)->id();

  // What came of the body with the head goes with it; what follows the body is the next
  // request.
  std::string body = in_.substr(message.head_size());
  const auto piece = message.read_body(body, HttpMessage::Chunks::decoded);
  if (message.state() == HttpMessage::State::broken)
    co_return co_await refuse(refusal_of_broken(message));
  const bool whole = message.state() == HttpMessage::State::complete;
  const std::string_view begun(body.data(), piece.body);
  // Those that were idle may all ask at once.
  if (!services_.capacity.has_room_to_serve(services_.occupancy()))
    co_return co_await refuse(refusals::kBusy);
  auto ends = whole ? base::make_pipe(base::Blocking::no)
                    : base::make_socketpair(SOCK_STREAM, base::Blocking::no);
  if (!ends) co_return co_await refuse(refusals::kBusy);
  Exchange exchange{.message = message,
                    .request = *request,
                    .pair = std::move(ends->first),
                    .poll = nullptr,
                    .limit_post = (*vassal)->limits().limit_post,
                    .body_bytes = begun.size(),
                    .body_over = whole};
  if (exchange.limit_post != 0 && exchange.body_bytes > exchange.limit_post)
    co_return co_await refuse(refusals::kTooLarge);

  const auto header = Services::handoff_header(
      whole ? wire::HandoffKind::http_pipe : wire::HandoffKind::http_pair, arrived_,
      **vassal);
  packet->append(begun);
  if (auto refusal = services_.vassals.offer(**vassal, header, *packet, ends->second))
    co_return co_await refuse(*refusal);
  // The views of `request` end here, but for its flags.
  in_ = body.substr(piece.consumed);
  packet->clear();
  exchange.poll = std::make_unique<uvx::Poll>(services_.loop, exchange.pair.get());
  // Under load the answer is there once everybody else had a turn.
  co_await services_.loop.yield();
  co_return co_await run_exchange(exchange);
}

uvx::Task<HttpSession::Next> HttpSession::run_exchange(Exchange& exchange) {
  uvx::TaskGroup sending(services_.loop);
  if (!exchange.body_over) sending.spawn(send_body(exchange));
  co_await relay_answer(exchange);

  // The answer is over, or there will be none: nobody reads the body any more.
  exchange.poll->close();
  if (sending.size() > 0) {
    poll_->close();
    co_await sending.join();
    watch_client_anew();
  }
  exchange.poll.reset();
  exchange.pair.reset();
  if (exchange.head_sent || exchange.client_gone)
    services_.ledger.note({.door = "http",
                           .host = host_,
                           .vassal = vassal_,
                           .outcome = Outcome::relayed,
                           .status = exchange.status,
                           .client = peers_.remote_address,
                           .received = exchange.body_bytes,
                           .arrived = arrived_,
                           .ended = base::Clock::now()});
  if (exchange.client_gone) co_return Next::close;
  if (exchange.refusal && !exchange.head_sent)
    co_return co_await refuse(*exchange.refusal);
  if (!exchange.answered) {
    if (!exchange.framed) reset_client();
    co_return Next::close;
  }
  if (exchange.keep_alive) co_return Next::request;
  if (::shutdown(client_.get(), SHUT_WR) == 0)
    co_await drop_rest(*poll_, client_.get(), {});
  co_return Next::close;
}

uvx::Task<base::Result<size_t>> HttpSession::receive_body(Exchange& exchange,
                                                          std::span<char> buffer) {
  auto received = co_await receive(*poll_, client_.get(), buffer,
                                   base::Deadline::in(services_.options.http_timeout));
  if (received && *received > 0) co_return received;
  if (!received && received.error().is(std::errc::operation_canceled)) co_return received;
  if (!received && received.error().is(std::errc::timed_out))
    exchange.refusal = refusals::kHeadTimeout;
  else
    exchange.client_gone = true;
  co_return size_t{0};
}

uvx::Task<void> HttpSession::send_body(Exchange& exchange) {
  if (exchange.request.expects_continue && exchange.body_bytes == 0)
    static_cast<void>(co_await to_client(exchange, kContinue));
  const Buffer buffer = make_buffer();
  bool wanted = true;  // by the worker
  while (!exchange.client_gone && exchange.message.state() == HttpMessage::State::body) {
    const auto received = co_await receive_body(exchange, {buffer.get(), kRelayBuffer});
    if (!received || *received == 0) break;
    const auto piece = exchange.message.read_body({buffer.get(), *received},
                                                  HttpMessage::Chunks::decoded);
    exchange.body_bytes += piece.body;
    if (exchange.message.state() == HttpMessage::State::broken)
      exchange.refusal = refusals::kMalformed;
    else if (exchange.limit_post != 0 && exchange.body_bytes > exchange.limit_post)
      exchange.refusal = refusals::kTooLarge;
    if (exchange.refusal) break;
    in_.append(buffer.get() + piece.consumed, *received - piece.consumed);
    exchange.last_sent = base::Clock::now();
    if (!wanted) continue;
    // A worker that closed its end may have answered before: that answer counts.
    const auto sent =
        co_await send_all(*exchange.poll, exchange.pair.get(), {buffer.get(), piece.body},
                          services_.options.request_timeout);
    wanted = sent.has_value();
    exchange.last_sent = base::Clock::now();
  }
  exchange.body_over = exchange.message.state() == HttpMessage::State::complete;
  if (exchange.body_over)
    ::shutdown(exchange.pair.get(), SHUT_WR);
  else
    exchange.poll->close();  // no answer is worth waiting for
}

uvx::Task<bool> HttpSession::read_answer_head(Exchange& exchange,
                                              HttpMessage& answer,
                                              std::string& head) {
  while (answer.state() == HttpMessage::State::head) {
    const size_t before = head.size();
    head.resize(before + kRead);
    const auto deadline =
        base::Deadline(exchange.last_sent + services_.options.request_timeout);
    const auto received = co_await receive(*exchange.poll, exchange.pair.get(),
                                           {head.data() + before, kRead}, deadline);
    head.resize(before + received.value_or(0));
    if (!received && received.error().is(std::errc::operation_canceled)) co_return false;
    if (!received && received.error().is(std::errc::timed_out)) {
      if (exchange.last_sent + services_.options.request_timeout > base::Clock::now())
        continue;
      exchange.refusal = refusals::kNoAnswer;
      co_return false;
    }
    const bool ended = !received || *received == 0;
    if (!ended) answer.read_head(head);
    const bool endless =
        answer.state() == HttpMessage::State::head && head.size() > kMaxHead;
    if (ended || endless || answer.state() == HttpMessage::State::broken) {
      if (!exchange.refusal) exchange.refusal = refusals::kBadAnswer;
      co_return false;
    }
  }
  co_return true;
}

uvx::Task<void> HttpSession::relay_answer(Exchange& exchange) {
  HttpMessage answer(HttpMessage::Kind::answer);
  if (exchange.request.is_head()) answer.expect_no_body();
  std::string head;
  if (!co_await read_answer_head(exchange, answer, head)) co_return;
  const bool old_client = exchange.request.version_minor == 0;
  exchange.framed = answer.framed() && !(old_client && answer.chunked());
  const AnswerShape shape{.keep_alive = exchange.request.keep_alive &&
                                        exchange.body_over && exchange.framed &&
                                        !finishing_,
                          .to_http_1_0 = old_client};
  exchange.head_sent = true;
  exchange.status = answer.status();
  exchange.answered = co_await relay_body(exchange, answer, answer_head(answer, shape),
                                          head.substr(answer.head_size()));
  exchange.keep_alive = shape.keep_alive;
}

uvx::Task<bool> HttpSession::relay_body(Exchange& exchange,
                                        HttpMessage& answer,
                                        std::string head,
                                        std::string rest) {
  const auto chunks = exchange.request.version_minor == 0 ? HttpMessage::Chunks::decoded
                                                          : HttpMessage::Chunks::kept;
  const auto part_to_send = [chunks](const HttpMessage::Piece& piece) {
    return chunks == HttpMessage::Chunks::decoded ? piece.body : piece.consumed;
  };
  head.append(rest, 0, part_to_send(answer.read_body(rest, chunks)));
  if (!co_await to_client(exchange, head)) co_return false;
  if (answer.state() == HttpMessage::State::complete) co_return true;

  const Buffer buffer = make_buffer();
  while (answer.state() == HttpMessage::State::body) {
    const auto received = co_await receive(
        *exchange.poll, exchange.pair.get(), {buffer.get(), kRelayBuffer},
        base::Deadline::in(services_.options.request_timeout));
    if (!received) co_return false;
    if (*received == 0) co_return answer.end_of_stream() == HttpMessage::State::complete;
    const auto piece = answer.read_body({buffer.get(), *received}, chunks);
    if (!co_await to_client(exchange, {buffer.get(), part_to_send(piece)}))
      co_return false;
  }
  co_return answer.state() == HttpMessage::State::complete;
}

uvx::Task<HttpSession::Next> HttpSession::refuse(Refusal refusal) {
  services_.ledger.note({.door = "http",
                         .host = host_,
                         .vassal = vassal_,
                         .outcome = Outcome::refused,
                         .status = refusal.status,
                         .refusal = &refusal,
                         .client = peers_.remote_address,
                         .arrived = arrived_});
  const std::string page = services_.page(refusal, host_, page_);
  const auto sent =
      co_await send_all(*poll_, client_.get(), page, services_.options.http_timeout);
  if (sent && ::shutdown(client_.get(), SHUT_WR) == 0)
    co_await drop_rest(*poll_, client_.get(), {});
  co_return Next::close;
}

uvx::Task<bool> HttpSession::to_client(Exchange& exchange, std::string_view bytes) {
  const auto sent =
      co_await send_all(*poll_, client_.get(), bytes, services_.options.http_timeout);
  if (!sent) exchange.client_gone = true;
  co_return sent.has_value();
}

void HttpSession::set_between_requests(bool between) {
  if (between == between_requests_) return;
  between_requests_ = between;
  if (between)
    ++services_.idle_sessions;
  else
    --services_.idle_sessions;
}

void HttpSession::reset_client() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void HttpSession::watch_client_anew() {
  poll_.reset();
  poll_ = std::make_unique<uvx::Poll>(services_.loop, client_.get());
}

}  // namespace router
