#include "router/http_session.h"

#include <sys/socket.h>

#include "base/fd_passing.h"
#include "router/farewell.h"
#include "router/relay.h"
#include "router/transfer.h"

namespace router {

namespace {

using End = ExchangeResult::End;

/// What is wrong with a head of which `received` bytes are there; nothing if it is, or
/// may become, a good one.
std::optional<Refusal> fault_of_head(const HttpMessage& message, size_t received) {
  if (message.state() == HttpMessage::State::broken) return refusal_of_broken(message);
  const bool whole = message.state() != HttpMessage::State::head;
  if ((whole ? message.head_size() : received) > kMaxHead) return refusals::kHeadTooLarge;
  return std::nullopt;
}

HttpClient::Request client_request(const HttpRequest& request, uint64_t limit_post) {
  return {.is_head = request.is_head(),
          .old = request.version_minor == 0,
          .keep_alive = request.keep_alive,
          .expects_continue = request.expects_continue,
          .limit_post = limit_post};
}

RequestShape shape_of(const HttpRequest& request) {
  RequestShape shape{.upgrade = request.upgrade};
  if (request.chunked) {
    shape.body_end = BodyEnd::unknown;
  } else if (request.has_length) {
    shape.body_end = BodyEnd::length;
    shape.length = request.content_length;
  }
  return shape;
}

NodeQuery query_of(const HttpRequest& request, const HttpPeers& peers) {
  return {.key = Subscriptions::normal(request.authority),
          .host = request.host,
          .client_hash = std::hash<std::string_view>{}(peers.remote_address)};
}

}  // namespace

HttpSession::HttpSession(Services& services,
                         std::unique_ptr<Stream> client,
                         HttpPeers peers,
                         base::Instant arrived)
    : services_(services),
      client_(std::move(client)),
      peers_(std::move(peers)),
      arrived_(arrived) {}

uvx::Task<void> HttpSession::serve() {
  Next next = Next::request;
  while (next == Next::request && !finishing_ && !peers_.gone) {
    HttpMessage message(HttpMessage::Kind::request);
    if (!co_await read_head(message)) break;
    next = co_await serve_request(message);
    arrived_ = base::Clock::now();
  }
  client_.reset();
}

void HttpSession::finish_soon() {
  finishing_ = true;
  if (between_requests_ && client_) client_->interrupt();
}

// ---- the head

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
      std::string().swap(in_);  // who only waits holds no room
      // The next request is hardly ever there already: it is not looked for in vain.
      if (!head_.empty() && !co_await client_->readable(deadline)) co_return false;
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
  split_head(message);
  co_return true;
}

uvx::Task<bool> HttpSession::receive_head(base::Deadline deadline) {
  const auto room = services_.scratch.room();
  const auto received = co_await receive(*client_, room, deadline);
  in_.append(room.data(), received.value_or(0));
  if (received && *received > 0) co_return true;
  const bool late = !received && received.error().is(std::errc::timed_out);
  if (late && !between_requests_) co_await refuse(refusals::kHeadTimeout);
  co_return false;
}

void HttpSession::split_head(HttpMessage& message) {
  std::string rest = in_.substr(message.head_size());
  in_.resize(message.head_size());
  head_ = std::exchange(in_, std::move(rest));
  message.read_head(head_);  // its views point there now
}

// ---- the request

uvx::Task<HttpSession::Next> HttpSession::serve_request(HttpMessage& message) {
  const auto request = check_request(message);
  if (!request) co_return co_await refuse(request.error());
  host_ = request->host;
  page_ = request->is_head() ? PageBody::left_out : PageBody::sent;
  auto packet = make_packet(*request, peers_);
  if (!packet) co_return co_await refuse(packet.error());
  const auto origin = services_.choose(request->host, request->content_length);
  const bool by_node =
      !origin && origin.error().status == 404 && services_.finder.in_use();
  if (origin) vassal_ = (*origin)->id();
  if (!origin && !by_node) co_return co_await refuse(origin.error());

  if (origin && (*origin)->backend())
    if (auto refusal = (*origin)->turns_away(Services::give_up_at(**origin, arrived_)))
      co_return co_await refuse(*refusal);

  if (by_node && services_.options.limit_post != 0 &&
      request->content_length > services_.options.limit_post)
    co_return co_await refuse(refusals::kTooLarge);
  // Those that were idle may all ask at once.
  if (!services_.capacity.has_room_to_serve(services_.occupancy()))
    co_return co_await refuse(refusals::kBusy);

  // What came of the body with the head goes with it; what follows the body is the next
  // request.
  const uint64_t limit_post =
      by_node ? services_.options.limit_post : (*origin)->limits().limit_post;
  HttpClient client(*client_, message, client_request(*request, limit_post), in_,
                    finishing_);
  std::string begun = std::exchange(in_, {});
  const auto size = client.take_body(begun);
  if (!size) co_return co_await refuse(size.error());
  begun.resize(*size);

  RelayRequest relayed{.query = query_of(*request, peers_),
                       .node = by_node ? nullptr : (*origin)->backend(),
                       .share = by_node ? nullptr : (*origin)->share(),
                       .packet = *std::move(packet),
                       .shape = shape_of(*request),
                       .is_head = request->is_head(),
                       .repeatable = is_repeatable(request->method)};
  std::string node;
  const ExchangeResult result =
      by_node || relayed.node
          ? co_await relay(services_, client, relayed, begun, node)
          : co_await by_worker((*origin)->id(), client, relayed, begun);
  Served served = asked();
  served.node = node;
  served.packet = relayed.packet;
  co_return co_await conclude(result, client, served);
}

uvx::Task<ExchangeResult> HttpSession::by_worker(VassalId id,
                                                 HttpClient& client,
                                                 RelayRequest& request,
                                                 std::string_view begun) {
  ExchangeResult refused;
  refused.end = End::refused;
  std::optional<Share::Turn> turn;
  if (request.share) {
    auto granted = co_await Share::take_turn(request.share, services_.loop);
    if (!granted) {
      refused.refusal = granted.error();
      co_return refused;
    }
    turn.emplace(*std::move(granted));
  }
  Vassal* const vassal = services_.vassals.find(id);  // it may have gone meanwhile
  if (vassal == nullptr) {
    refused.refusal = refusals::kRemoved;
    co_return refused;
  }
  // A request that is whole already, and stays HTTP, needs only the way back.
  const bool one_way = client.body_over() && !request.shape.upgrade;
  auto ends = one_way ? base::make_pipe(base::Blocking::no)
                      : base::make_socketpair(SOCK_STREAM, base::Blocking::no);
  if (!ends) {
    refused.refusal = refusals::kBusy;
    co_return refused;
  }
  if (!one_way) base::refuse_descriptors(ends->first.get());
  const auto header = Services::handoff_header(
      one_way ? wire::HandoffKind::http_pipe : wire::HandoffKind::http_pair, arrived_,
      *vassal);
  request.packet += begun;
  refused.refusal =
      services_.vassals.offer(*vassal, header, request.packet, ends->second);
  if (refused.refusal) co_return refused;

  const auto kind = one_way ? PlainStream::Kind::pipe : PlainStream::Kind::socket;
  Backend backend(
      std::make_unique<PlainStream>(services_.loop, std::move(ends->first), kind),
      RequestWriter(Protocol::uwsgi),
      {.head = request.is_head, .upgrade = request.shape.upgrade}, Protocol::uwsgi);
  backend.writer.head_went_ahead(request.shape.upgrade);
  backend.share = request.share;
  // Under load the answer is there once everybody else had a turn.
  co_await services_.loop.yield();
  const ExchangePatience patience = services_.options.patience();
  Exchange exchange(services_.loop, services_.scratch, client, backend, patience);
  ExchangeResult result = co_await exchange.run({});
  result.received += begun.size();
  co_return result;
}

uvx::Task<HttpSession::Next> HttpSession::conclude(const ExchangeResult& result,
                                                   const HttpClient& client,
                                                   Served served) {
  note_exchange(served, result);
  if (result.end == End::refused || result.end == End::stale)
    co_return co_await refuse(result.refusal.value_or(refusals::kBadAnswer), served);
  services_.ledger.note(served);
  if (result.end == End::cut && client.ends_by_close()) reset_on_close(client_->fd());
  if (result.end != End::answered) co_return Next::close;
  if (client.keeps_alive()) co_return Next::request;
  if (client_->finish_sending()) co_await drop_rest(*client_);
  co_return Next::close;
}

Served HttpSession::asked() const {
  return {.door = peers_.secure ? "https" : "http",
          .host = host_,
          .vassal = vassal_,
          .client = peers_.remote_address,
          .arrived = arrived_};
}

uvx::Task<HttpSession::Next> HttpSession::refuse(Refusal refusal) {
  return refuse(refusal, asked());
}

uvx::Task<HttpSession::Next> HttpSession::refuse(Refusal refusal, Served asked) {
  asked.outcome = Outcome::refused;
  asked.status = refusal.status;
  asked.refusal = &refusal;
  services_.ledger.note(asked);
  const std::string page = services_.page(refusal, host_, page_);
  const auto sent = co_await send_all(*client_, page, services_.options.http_timeout);
  if (sent && client_->finish_sending()) co_await drop_rest(*client_);
  co_return Next::close;
}

void HttpSession::set_between_requests(bool between) {
  if (between == between_requests_) return;
  between_requests_ = between;
  if (between)
    ++services_.idle_sessions;
  else
    --services_.idle_sessions;
}

}  // namespace router
