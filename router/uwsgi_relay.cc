#include "router/uwsgi_relay.h"

#include "base/wire/uwsgi_packet.h"
#include "router/farewell.h"
#include "router/http_request.h"
#include "router/relay.h"
#include "router/transfer.h"
#include "router/uwsgi_client.h"

namespace router {

namespace {

using End = ExchangeResult::End;

/// What a relay has to know of the packet beyond what every request tells.
struct Asked {
  std::string_view method;
  std::string_view connection;
  bool upgrade = false;  ///< to something that is passed on
};

Asked read_asked(std::string_view packet) {
  Asked asked;
  bool passed = true;
  wire::VarReader vars(packet.substr(wire::kPacketHeader));
  while (const auto var = vars.next()) {
    if (var->key == "REQUEST_METHOD") asked.method = var->value;
    if (var->key == "HTTP_CONNECTION") asked.connection = var->value;
    if (var->key != "HTTP_UPGRADE") continue;
    passed &= is_passed_on(var->value);
    asked.upgrade = passed;
  }
  return asked;
}

RelayRequest relay_request(UwsgiRequest& request) {
  const Asked asked = read_asked(request.packet);
  const bool body = request.content_length > 0;
  RelayRequest relayed{.query = std::move(request.query),
                       .node = std::move(request.node),
                       .share = std::move(request.share),
                       .packet = {},
                       .shape = {.body_end = body ? BodyEnd::length : BodyEnd::none,
                                 .length = request.content_length},
                       .is_head = asked.method == "HEAD",
                       .repeatable = is_repeatable(asked.method)};
  relayed.shape.upgrade = !body && names_upgrade(asked.connection) && asked.upgrade;
  relayed.packet = std::move(request.packet);
  return relayed;
}

void refuse(Services& services,
            PlainStream& front,
            Served asked,
            const Refusal& refusal) {
  asked.outcome = Outcome::refused;
  asked.status = refusal.status;
  asked.refusal = &refusal;
  services.ledger.note(asked);
  services.turn_away(front.release(), refusal, asked.host);
}

}  // namespace

uvx::Task<void> relay_uwsgi(Services& services, base::Fd socket, UwsgiRequest request) {
  PlainStream front(services.loop, std::move(socket));
  const std::string host = request.query.host;
  Served served{.door = "uwsgi",
                .host = host,
                .vassal = request.vassal,
                .packet = request.packet,
                .arrived = request.arrived};
  UwsgiClient client(front, request.content_length, request.limit_post);
  const auto begun = client.take_body(request.begun);
  if (!begun) co_return refuse(services, front, served, begun.error());
  request.begun.resize(*begun);

  std::string node;
  RelayRequest relayed = relay_request(request);
  served.packet = relayed.packet;
  const ExchangeResult result =
      co_await relay(services, client, relayed, request.begun, node);
  served.node = node;
  note_exchange(served, result);
  if (result.end == End::refused || result.end == End::stale)
    co_return refuse(services, front, served,
                     result.refusal.value_or(refusals::kBadAnswer));
  services.ledger.note(served);
  // The front has to see an error where a mere end would look like a whole answer.
  if (result.end == End::cut) co_return reset_on_close(front.fd());
  if (result.end == End::answered && !client.body_over() && front.finish_sending())
    co_await drop_rest(front);
}

}  // namespace router
