#include "router/exchange.h"

#include <algorithm>
#include <utility>

#include "router/client_body.h"
#include "router/http_request.h"
#include "router/transfer.h"

namespace router {

namespace {

using End = ExchangeResult::End;
/// A client that left while its answer is waited for is noticed after so long, or up to
/// twice as long: thousands that came at once are not all looked at at once.
constexpr base::Duration kLook = std::chrono::seconds(5);

constexpr unsigned kPiecesInTurn = 16;

/// Somewhere between nothing and `most`, one after the other.
base::Duration next_spread(base::Duration most) {
  constexpr unsigned kSteps = 61;
  static unsigned step = 0;
  step = (step + 23) % kSteps;
  return most * step / kSteps;
}

/// In h2c further requests would pass unseen.
bool switches_to_h2c(const AnswerReader& answer) {
  return std::ranges::any_of(answer.fields(), [](const HttpField& field) {
    return same_name(field.name, "Upgrade") && !is_passed_on(field.value);
  });
}

}  // namespace

Exchange::Exchange(uvx::Loop& loop,
                   Scratch& scratch,
                   Client& client,
                   Backend& backend,
                   const ExchangePatience& patience)
    : loop_(loop),
      scratch_(scratch),
      client_(client),
      backend_(backend),
      patience_(patience),
      spread_(next_spread(kLook)),
      sending_(loop) {}

uvx::Task<ExchangeResult> Exchange::run(std::string_view begun) {
  begun_ = begun;
  result_.received = begun.size();
  result_.connected = moved_;
  // Before anything else is said to the client: nobody else writes there yet.
  if (!client_.body_over() && !client_.invitation().empty())
    co_await to_client(client_.invitation());
  if (!send_at_once()) sending_.spawn(send_request());
  co_await relay_answer();
  over_ = true;

  // The answer is over, or there will be none: nobody reads the body any more.
  if (sending_.size() > 0) {
    backend_.stream.interrupt();
    client_.stream().interrupt();
    co_await sending_.join();
    backend_.stream.resume();
    client_.stream().resume();
  }
  co_return result_;
}

// ---- the request

bool Exchange::send_at_once() {
  std::string& unsent = backend_.unsent;
  if (begun_.size() > Scratch::kRoom) return false;
  if (!begun_.empty()) backend_.writer.body(std::exchange(begun_, {}), unsent);
  const bool whole = client_.body_over();
  if (whole) backend_.writer.end(unsent);
  if (!unsent.empty()) {
    const auto sent = backend_.stream.try_send(unsent);
    unsent.erase(0, sent.value_or(0));  // what went wrong is seen once more
  }
  if (!whole || !unsent.empty()) return false;
  end_request();
  return true;
}

void Exchange::end_request() {
  result_.sent_whole = true;
  if (backend_.writer.half_closes()) backend_.stream.finish_sending();
}

uvx::Task<void> Exchange::send_request() {
  const bool begun = !begun_.empty();
  const auto sent =
      co_await send_all(backend_.stream, backend_.unsent, patience_.backend);
  moved_ = base::Clock::now();
  if (!sent || !co_await send_begun()) co_return;
  if (!client_.body_over()) co_return co_await send_body();
  if (!begun || co_await send_end()) end_request();
}

uvx::Task<bool> Exchange::send_begun() {
  std::string framed;
  while (!begun_.empty()) {
    const auto piece = begun_.substr(0, Scratch::kRoom);
    framed.clear();
    backend_.writer.body(piece, framed);
    const auto sent = co_await send_all(backend_.stream, framed, patience_.backend);
    moved_ = base::Clock::now();
    if (!sent) co_return false;
    begun_.remove_prefix(piece.size());
  }
  co_return true;
}

uvx::Task<bool> Exchange::send_end() {
  std::string end;
  backend_.writer.end(end);
  const auto sent = co_await send_all(backend_.stream, end, patience_.backend);
  co_return sent.has_value();
}

uvx::Task<void> Exchange::send_body() {
  bool wanted = true;  // by the backend
  while (!client_.body_over() && !over_) {
    if (gives_way()) co_await loop_.yield();
    waits_for_client_ = true;
    const BodyPiece piece = co_await receive_body(client_, scratch_, patience_.client);
    waits_for_client_ = false;
    moved_ = base::Clock::now();
    result_.received += piece.size;
    if (!piece.good()) {
      if (piece.refusal) result_.refusal = piece.refusal;
      if (piece.gone) result_.end = End::client_gone;
      backend_.stream.interrupt();  // no answer is worth waiting for
      co_return;
    }
    if (!wanted) continue;
    // A backend that reads no more may have answered before: that answer counts.
    const auto sent = co_await send_from_shared(backend_.stream, frame_body(piece.size),
                                                patience_.backend);
    wanted = sent.has_value();
    moved_ = base::Clock::now();
  }
  if (wanted && !over_ && co_await send_end()) end_request();
}

std::string_view Exchange::frame_body(size_t size) {
  const auto frame = backend_.writer.frame(size);
  char* const begin = scratch_.room().data() - frame.prefix_size;
  std::ranges::copy(frame.prefix(), begin);
  char* const end = scratch_.room().data() + frame.taken;
  std::ranges::copy(frame.suffix, end);
  return {begin, frame.prefix_size + frame.taken + frame.suffix.size()};
}

// ---- the answer

uvx::Task<void> Exchange::relay_answer() {
  size_t begun = 0;
  if (!co_await read_answer_head(begun)) {
    answer_failed();
    co_return;
  }
  const bool whole = backend_.answer.state() == AnswerReader::State::complete;
  const bool switched = backend_.answer.state() == AnswerReader::State::upgraded;
  // A switch before the request was read is nobody's honest answer.
  if (switched && (sending_.size() > 0 || switches_to_h2c(backend_.answer)))
    co_return answer_failed();
  result_.status = backend_.answer.status();
  std::string head = client_.head(backend_.answer);
  char* const body = scratch_.room().data();
  head += switched ? std::string_view(body, begun) : client_.frame(body, begun, whole);
  result_.sent += begun;
  if (!co_await to_client(head)) co_return;
  if (!co_await pay(begun)) co_return;
  if (switched) co_return co_await tunnel();
  if (whole || co_await relay_body()) result_.end = End::answered;
}

uvx::Task<bool> Exchange::read_answer_head(size_t& size) {
  AnswerReader& answer = backend_.answer;
  while (answer.state() == AnswerReader::State::head) {
    if (gives_way()) co_await loop_.yield();
    const auto look =
        std::min(moved_ + patience_.backend, base::Clock::now() + kLook + spread_);
    const auto received = co_await receive(backend_.stream, room(), base::Deadline(look));
    if (!received && waits_on(received.error())) continue;
    if (!received) co_return false;
    if (heard_ && !waits_for_client_ && base::Clock::now() > moved_ + patience_.backend) {
      result_.refusal = refusals::kNoAnswer;  // it says much, and no head
      co_return false;
    }
    heard_ |= *received > 0;
    if (heard_ && result_.first_byte == base::Instant{})
      result_.first_byte = base::Clock::now();
    size = answer.feed(scratch_.room().first(*received));
    if (*received == 0) answer.end_of_stream();
    if (answer.state() == AnswerReader::State::broken) co_return false;
  }
  co_return true;
}

bool Exchange::waits_on(const base::Error& error) {
  if (!error.is(std::errc::timed_out)) return false;
  if (has_hung_up(client_.stream().fd())) {
    result_.end = End::client_gone;
    return false;
  }
  if (waits_for_client_ || base::Clock::now() < moved_ + patience_.backend) return true;
  result_.refusal = refusals::kNoAnswer;
  return false;
}

void Exchange::answer_failed() {
  if (result_.end == End::client_gone) return;
  const bool nothing_happened = backend_.reused && !heard_ && !result_.refusal;
  result_.end = nothing_happened ? End::stale : End::refused;
  if (!result_.refusal) result_.refusal = refusals::kBadAnswer;
}

uvx::Task<bool> Exchange::relay_body() {
  AnswerReader& answer = backend_.answer;
  while (answer.state() == AnswerReader::State::body) {
    if (gives_way()) co_await loop_.yield();
    const auto received =
        co_await receive(backend_.stream, room(), base::Deadline::in(patience_.backend));
    if (!received) co_return false;
    const size_t size = answer.feed(scratch_.room().first(*received));
    if (*received == 0) answer.end_of_stream();
    result_.sent += size;
    const bool last = answer.state() == AnswerReader::State::complete;
    if (!co_await to_client(client_.frame(scratch_.room().data(), size, last)))
      co_return false;
    if (!co_await pay(size)) co_return false;
  }
  co_return answer.state() == AnswerReader::State::complete;
}

std::span<char> Exchange::room() {
  const auto whole = scratch_.room();
  return backend_.share ? whole.first(backend_.share->piece(whole.size())) : whole;
}

uvx::Task<bool> Exchange::pay(size_t bytes) {
  if (!backend_.share ||
      co_await Share::pay(backend_.share, loop_, bytes, client_.stream().fd()))
    co_return true;
  result_.end = End::client_gone;
  co_return false;
}

bool Exchange::gives_way() {
  return ++pieces_ % kPiecesInTurn == 0;
}

/// `bytes` may stand in the scratch.
uvx::Task<bool> Exchange::to_client(std::string_view bytes) {
  if (bytes.empty()) co_return true;
  auto sent = client_.stream().try_send(bytes);
  if (sent && *sent < bytes.size()) {
    const std::string rest(bytes.substr(*sent));
    if (!co_await send_all(client_.stream(), rest, patience_.client))
      sent = base::fail(EPIPE, "send");
  }
  if (!sent) result_.end = End::client_gone;
  co_return sent.has_value();
}

// ---- the tunnel

uvx::Task<void> Exchange::tunnel() {
  moved_ = base::Clock::now();
  const std::string early = client_.take_leftover();
  if (!co_await send_all(backend_.stream, early, patience_.backend)) co_return;
  sending_.spawn(pass(client_.stream(), backend_.stream));
  co_await pass(backend_.stream, client_.stream());
  result_.end = End::answered;
}

uvx::Task<void> Exchange::pass(Stream& from, Stream& to) {
  for (;;) {
    if (gives_way()) co_await loop_.yield();
    const bool is_answer = &from == &backend_.stream;
    const auto received = co_await receive(from, is_answer ? room() : scratch_.room(),
                                           base::Deadline(moved_ + patience_.tunnel));
    if (!received && received.error().is(std::errc::timed_out) &&
        base::Clock::now() < moved_ + patience_.tunnel)
      continue;  // the other direction has moved
    if (!received || *received == 0) break;
    moved_ = base::Clock::now();
    const auto sent = co_await send_from_shared(to, {scratch_.room().data(), *received},
                                                patience_.client);
    if (!sent || (is_answer && !co_await pay(*received))) break;
    moved_ = base::Clock::now();
  }
  to.finish_sending();
}

}  // namespace router
