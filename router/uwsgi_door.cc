#include "router/uwsgi_door.h"

#include <algorithm>
#include <optional>

#include "base/wire/uwsgi_packet.h"
#include "router/stream.h"
#include "router/transfer.h"
#include "router/uwsgi_relay.h"

namespace router {

namespace {

// Heads are small; more would only copy body bytes through the channel.
constexpr size_t kFirstRead = 16 * 1024;

/// Whether the head is whole: its size, 0 if more is needed, or what is wrong.
std::expected<size_t, Refusal> whole_head(std::string_view bytes) {
  const auto header = wire::decode_header(bytes);
  if (!header) return 0;
  if (looks_like_http(bytes)) return std::unexpected(refusals::kMalformed);
  return bytes.size() < header->total() ? 0 : header->total();
}

}  // namespace

UwsgiDoor::UwsgiDoor(Services& services)
    : services_(services), buffer_(std::make_unique_for_overwrite<char[]>(kFirstRead)) {}

bool UwsgiDoor::has_room() const {
  return services_.has_room();
}

void UwsgiDoor::arrived(base::Fd connection, base::Instant when) {
  Visitor visitor{std::move(connection), when};
  if (try_serve(visitor) == Read::nothing_yet) early_.push_back(std::move(visitor));
}

void UwsgiDoor::batch_ends() {
  if (early_.empty() || trying_again_) return;
  trying_again_ = true;
  services_.sessions.spawn(try_again());
}

uvx::Task<void> UwsgiDoor::try_again() {
  while (!early_.empty()) {
    co_await services_.loop.yield();
    retrying_.swap(early_);
    for (Visitor& visitor : retrying_)
      if (try_serve(visitor) == Read::nothing_yet)
        services_.sessions.spawn(read_patiently(std::move(visitor), {}));
    retrying_.clear();
  }
  trying_again_ = false;
}

UwsgiDoor::Read UwsgiDoor::try_serve(Visitor& visitor) {
  const auto received =
      try_receive(visitor.connection.get(), {buffer_.get(), kFirstRead});
  if (!received)
    return received.error().is(std::errc::resource_unavailable_try_again)
               ? Read::nothing_yet
               : Read::done;
  if (*received == 0) return Read::done;
  const std::string_view bytes(buffer_.get(), *received);
  const auto head = whole_head(bytes);
  if (!head)
    refuse(visitor, head.error(), {});
  else if (*head != 0)
    serve(visitor, bytes, *head);
  else
    services_.sessions.spawn(read_patiently(std::move(visitor), std::string(bytes)));
  return Read::done;
}

uvx::Task<void> UwsgiDoor::read_patiently(Visitor visitor, std::string bytes) {
  PlainStream front(services_.loop, std::move(visitor.connection));
  const base::Deadline deadline(visitor.arrived + services_.options.head_patience());
  for (;;) {
    const auto header = wire::decode_header(bytes);
    const size_t before = bytes.size();
    bytes.resize(std::max(before + kFirstRead / 4, header ? header->total() : 0));
    const auto received =
        co_await receive(front, {bytes.data() + before, bytes.size() - before}, deadline);
    bytes.resize(before + received.value_or(0));
    // From here on the descriptor may leave this process: its copies are not watched.
    if (!received || *received == 0) {
      visitor.connection = front.release();
      const bool late = !received && received.error().is(std::errc::timed_out);
      if (late) refuse(visitor, refusals::kHeadTimeout, {});
      co_return;
    }
    const auto head = whole_head(bytes);
    if (head && *head == 0) continue;
    visitor.connection = front.release();
    if (head)
      serve(visitor, bytes, *head);
    else
      refuse(visitor, head.error(), {});
    co_return;
  }
}

void UwsgiDoor::serve(Visitor& visitor, std::string_view request, size_t head_size) {
  wire::HostBuffer buffer;
  const auto head = read_request_head(
      request.substr(wire::kPacketHeader, head_size - wire::kPacketHeader), buffer);
  if (!head) return refuse(visitor, head.error(), {.packet = request});
  const auto vassal = services_.choose(head->host, head->content_length);
  const bool by_node = vassal ? (*vassal)->backend() != nullptr
                              : vassal.error().status == 404 && services_.finder.in_use();
  if (by_node && vassal)
    if (auto refusal =
            (*vassal)->turns_away(Services::give_up_at(**vassal, visitor.arrived)))
      return refuse(visitor, *refusal,
                    {.host = head->host, .vassal = (*vassal)->id(), .packet = request});
  if (by_node)
    services_.sessions.spawn(relay_uwsgi(
        services_, std::move(visitor.connection),
        {.packet = std::string(request.substr(0, head_size)),
         .begun = std::string(request.substr(head_size)),
         .query = {.key = Subscriptions::normal(head->key),
                   .host = std::string(head->host),
                   .client_hash = std::hash<std::string_view>{}(head->remote_addr)},
         .node = vassal ? (*vassal)->backend() : nullptr,
         .share = vassal ? (*vassal)->share() : nullptr,
         .vassal = vassal ? std::optional((*vassal)->id()) : std::nullopt,
         .arrived = visitor.arrived,
         .content_length = head->content_length,
         .limit_post =
             vassal ? (*vassal)->limits().limit_post : services_.options.limit_post}));
  else if (vassal)
    hand_over(visitor, **vassal, request, head->host);
  else
    refuse(visitor, vassal.error(), {.host = head->host, .packet = request});
}

void UwsgiDoor::hand_over(Visitor& visitor,
                          Vassal& vassal,
                          std::string_view request,
                          std::string_view host) {
  const auto header =
      Services::handoff_header(wire::HandoffKind::nginx, visitor.arrived, vassal);
  if (auto refusal = services_.vassals.offer(vassal, header, request, visitor.connection))
    return refuse(visitor, *refusal,
                  {.host = host, .vassal = vassal.id(), .packet = request});
  services_.ledger.note({.door = "uwsgi",
                         .host = host,
                         .vassal = vassal.id(),
                         .packet = request,
                         .arrived = visitor.arrived});
}

void UwsgiDoor::refuse(Visitor& visitor, const Refusal& refusal, Served asked) {
  asked.door = "uwsgi";
  asked.outcome = Outcome::refused;
  asked.status = refusal.status;
  asked.refusal = &refusal;
  asked.arrived = visitor.arrived;
  services_.ledger.note(asked);
  services_.turn_away(std::move(visitor.connection), refusal, asked.host);
}

}  // namespace router
