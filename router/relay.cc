#include "router/relay.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "router/client_body.h"
#include "router/node_address.h"
#include "router/node_links.h"
#include "router/post_buffer.h"

namespace router {

namespace {

using End = ExchangeResult::End;
/// Of a body that has to be held back, unless post-buffering says more.
constexpr size_t kHeldInMemory = 64 * 1024;

/// A want of this process or machine, of which the node knows nothing.
bool is_our_own(const base::Error& error) {
  constexpr std::array kOurs{
      std::errc::too_many_files_open,   std::errc::too_many_files_open_in_system,
      std::errc::no_buffer_space,       std::errc::not_enough_memory,
      std::errc::address_not_available, std::errc::operation_canceled};
  return std::ranges::any_of(kOurs, [&](auto code) { return error.is(code); });
}

Refusal refusal_of(Verdict verdict) {
  return verdict == Verdict::unknown ? refusals::kNoRoute
         : verdict == Verdict::full  ? refusals::kQueueFull
                                     : refusals::kNoNode;
}

std::expected<Lease, Refusal> choose_node(Services& services,
                                          RelayRequest& request,
                                          unsigned tries) {
  // Nobody takes the room of the others.
  const auto bounded = [&](Lease lease) -> std::expected<Lease, Refusal> {
    if (lease->running > std::max<size_t>(1, services.capacity.descriptors / 8))
      return std::unexpected(refusals::kQueueFull);
    return lease;
  };
  if (request.node) return bounded(Lease(request.node));
  auto finding = services.finder.find(request.query, tries, base::Clock::now());
  if (finding.node) return bounded(*std::move(finding.node));
  // Who was found once is known.
  return std::unexpected(tries > 0 ? refusals::kNoNode : refusal_of(finding.verdict));
}

/// What is said of a node's site beside the request.
const std::vector<Param>& params_of(const Node& node, const Options& options) {
  return node.params.empty() ? options.node_params : node.params;
}

/// A connection that a head may be sent on.
struct Link {
  std::unique_ptr<PlainStream> connection;
  bool reused = false;
};

/// Another user's socket in the place of the one that is meant is not talked to.
base::Result<> check_listener(const Node& node, int connection) {
  if (!node.uid || !is_unix_address(node.address)) return {};
  ucred listener{};
  socklen_t size = sizeof(listener);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0)
    return base::fail_errno("who listens");
  if (listener.uid != *node.uid)
    return base::fail(EPERM, "the socket is of uid " + std::to_string(listener.uid));
  return {};
}

uvx::Task<base::Result<Link>> link_to(Services& services, const Node& node, bool fresh) {
  Link link;
  if (fresh) services.links.make_way(node.address, node.protocol);
  if (auto kept = fresh ? nullptr : services.links.take(node.address, node.protocol))
    link = {std::move(kept), true};
  if (!link.reused) {
    auto made = co_await services.links.connect(
        node.address, base::Deadline::in(services.options.request_timeout));
    if (!made) co_return std::unexpected(made.error());
    link.connection = std::make_unique<PlainStream>(services.loop, *std::move(made));
  }
  if (auto checked = check_listener(node, link.connection->fd()); !checked)
    co_return std::unexpected(checked.error());
  co_return link;
}

/// Once a second for each node: whoever has many visitors would fill the log.
bool may_tell(Node& node) {
  const auto now = base::Clock::now();
  if (now - node.told_at < std::chrono::seconds(1)) return false;
  node.told_at = now;
  return true;
}

/// What a failed connection means: another try, or the end.
std::optional<Refusal> connection_failed(Services& services,
                                         const RelayRequest& request,
                                         Node& node,
                                         const base::Error& error) {
  // An address that a host's name was made into need not be anybody's.
  if (node.kind != Node::Kind::mapped && may_tell(node))
    services.log.warn("node {}: unreachable host={} reason=\"{}\" failures={}",
                      base::printable(node.address), request.query.host, error.message(),
                      node.failures);
  if (is_our_own(error)) return refusals::kBusy;
  if (request.node) {
    ++node.failures;
    return refusals::kNoNode;
  }
  services.finder.failed(node, base::Clock::now());
  return std::nullopt;
}

/// Why an answer was none, and what a FastCGI program complained of.
void tell_of_answer(Services& services,
                    const std::string& host,
                    Node& node,
                    const Backend& backend) {
  const std::string_view fault = backend.answer.fault();
  const std::string_view complaint = backend.answer.stderr_text();
  if ((fault.empty() && complaint.empty()) || !may_tell(node)) return;
  services.log.warn("node {}: host={} fault=\"{}\" stderr=\"{}\"",
                    base::printable(node.address), host, fault,
                    base::printable(complaint));
}

ExchangeResult refused(const Refusal& refusal) {
  ExchangeResult result;
  result.end = End::refused;
  result.refusal = refusal;
  return result;
}

/// For another request, if this one went whole both ways. Not with FastCGI: a child of
/// php-fpm waits at one connection only, so that a few idle ones would hold all of them.
void keep(Services& services,
          const Node& node,
          Backend& backend,
          const ExchangeResult& result) {
  if (backend.protocol == Protocol::http && result.end == End::answered &&
      result.sent_whole && backend.answer.reusable() && backend.writer.body_is_whole())
    services.links.keep(node.address, backend.protocol, std::move(backend.connection));
}

/// Reads what is outstanding of the body into `buffer`. Not `refused`: it is whole there.
uvx::Task<std::optional<ExchangeResult>> hold_back(Services& services,
                                                   Client& client,
                                                   std::string_view begun,
                                                   PostBuffer& buffer) {
  auto added = buffer.add(begun);
  if (const auto invitation = client.invitation(); !invitation.empty())
    static_cast<void>(
        co_await send_all(client.stream(), invitation, services.options.http_timeout));
  while (added && !client.body_over()) {
    const BodyPiece piece =
        co_await receive_body(client, services.scratch, services.options.http_timeout);
    if (piece.refusal) co_return refused(*piece.refusal);
    if (!piece.good()) co_return ExchangeResult{.end = End::client_gone};
    added = buffer.add({services.scratch.room().data(), piece.size});
  }
  if (added) co_return std::nullopt;
  services.log.error("router: a body is refused reason=\"{}\"", added.error().message());
  co_return refused(refusals::kBusy);
}

/// The same, and the request says how long it is: `begun` is all of it then.
uvx::Task<std::optional<ExchangeResult>> make_whole(Services& services,
                                                    Client& client,
                                                    RelayRequest& request,
                                                    std::string_view& begun,
                                                    PostBuffer& held) {
  if (auto ended = co_await hold_back(services, client, begun, held)) co_return ended;
  const auto whole = held.whole();
  if (!whole) co_return refused(refusals::kBusy);
  begun = *whole;
  request.shape.body_end = BodyEnd::length;
  request.shape.length = begun.size();
  co_return std::nullopt;
}

/// Whether the body has to be whole before the node sees the request.
bool is_held_back(const Options& options,
                  const Client& client,
                  const RequestShape& shape,
                  const Node& node) {
  if (client.body_over() && shape.body_end != BodyEnd::unknown) return false;
  return options.post_buffering > 0 ||
         (shape.body_end == BodyEnd::unknown &&
          !RequestWriter::takes_unknown_length(node.protocol));
}

}  // namespace

void note_exchange(Served& served, const ExchangeResult& result) {
  served.outcome = Outcome::relayed;
  served.status = result.status;
  served.received = result.received;
  served.sent = result.sent;
  if (result.connected != base::Instant{}) served.connected = result.connected;
  if (result.first_byte != base::Instant{}) served.first_byte = result.first_byte;
  served.ended = base::Clock::now();
}

bool is_repeatable(std::string_view method) {
  constexpr std::array<std::string_view, 6> kIdempotent{"GET",    "HEAD", "OPTIONS",
                                                        "DELETE", "PUT",  "TRACE"};
  return std::ranges::find(kIdempotent, method) != kIdempotent.end();
}

uvx::Task<ExchangeResult> relay(Services& services,
                                Client& client,
                                RelayRequest& request,
                                std::string_view begun,
                                std::string& name) {
  const auto turn = co_await Share::take_turn(request.share, services.loop);
  if (!turn) co_return refused(turn.error());
  const ExchangePatience patience = services.options.patience();
  PostBuffer held(services.post_budget,
                  std::max<size_t>(services.options.post_buffering, kHeldInMemory));
  bool fresh = !request.repeatable || !client.body_over();
  for (unsigned failed = 0;;) {
    auto lease = choose_node(services, request, failed);
    if (!lease) co_return refused(lease.error());
    Node& node = **lease;
    name = node.address;
    if (is_held_back(services.options, client, request.shape, node))
      if (auto ended = co_await make_whole(services, client, request, begun, held))
        co_return *std::move(ended);
    RequestWriter writer(node.protocol, node.modifier1, node.modifier2,
                         params_of(node, services.options));
    std::string head;
    if (auto refusal = writer.head(request.packet, request.shape, head))
      co_return refused(*refusal);
    auto link = co_await link_to(services, node, fresh);
    if (!link) {
      if (auto refusal = connection_failed(services, request, node, link.error()))
        co_return refused(*refusal);
      ++failed;
      continue;
    }
    Backend backend(std::move(link->connection), writer,
                    {.head = request.is_head, .upgrade = request.shape.upgrade},
                    node.protocol);
    backend.unsent = std::move(head);
    backend.reused = link->reused;
    backend.node.emplace(*std::move(lease));
    backend.share = request.share;
    Exchange exchange(services.loop, services.scratch, client, backend, patience);
    const ExchangeResult result = co_await exchange.run(begun);
    node.sent += result.received;
    node.received += result.sent;
    tell_of_answer(services, request.query.host, node, backend);
    if (result.end != End::stale) {
      keep(services, node, backend, result);
      co_return result;
    }
    fresh = true;
  }
}

}  // namespace router
