#include "base/wire/router_figures.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/wire/uwsgi_packet.h"

namespace wire {

namespace {

/// Of one message, well below what a packet may hold.
constexpr size_t kMostBytes = 48 * 1024;
constexpr size_t kMostFields = 300;
/// Of one picture: a router that has lost its mind does not eat its emperor.
constexpr size_t kMostEntries = 200'000;
constexpr size_t kMostValue = 8 * 1024;

/// Takes `count` numbers with a space behind each from the front of `text`.
template <size_t count>
std::optional<std::array<uint64_t, count>> take_numbers(std::string_view& text) {
  std::array<uint64_t, count> numbers{};
  for (uint64_t& number : numbers) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end == text.data() + text.size() || *end != ' ')
      return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  }
  return numbers;
}

/// Gathers fields into messages of a bounded size.
class Teller {
 public:
  Teller(const char* verb, const std::function<void(const Message&)>& send)
      : message_{verb, {}}, send_(send) {}

  void add(const char* name, std::string value) {
    if (bytes_ + value.size() > kMostBytes || message_.fields.size() >= kMostFields)
      flush();
    bytes_ += value.size() + 16;
    message_.set(name, std::move(value));
  }
  void finish() {
    message_.set("last", "1");
    flush();
  }

 private:
  void flush() {
    send_(message_);
    message_.fields.clear();
    bytes_ = 0;
  }

  Message message_;
  const std::function<void(const Message&)>& send_;
  size_t bytes_ = 0;
};

bool hear_host(std::string_view text, RouterFigures& into) {
  const auto size = take_numbers<1>(text);
  if (!size || (*size)[0] > text.size()) return false;
  const std::string_view host = text.substr(0, (*size)[0]);
  const auto tally = tally_of(text.substr(host.size()));
  if (tally) into.hosts[std::string(host)].add(*tally);
  return tally.has_value();
}

bool hear_vassal(std::string_view text, RouterFigures& into) {
  const auto id = take_numbers<1>(text);
  const auto tally = id ? tally_of(text) : std::nullopt;
  if (tally) into.vassals[(*id)[0]].add(*tally);
  return tally.has_value();
}

bool hear_parked(std::string_view text, RouterFigures& into) {
  const auto id = take_numbers<1>(text);
  uint64_t count = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), count);
  if (!id || error != std::errc{} || end != text.data() + text.size()) return false;
  into.parked[(*id)[0]] += count;
  return true;
}

bool hear_hits(std::string_view text, RouterFigures& into) {
  const auto hits = take_numbers<1>(text);
  if (hits) into.hits[std::string(text)] += (*hits)[0];
  return hits.has_value();
}

void add_to(NodeFigures& sum, const NodeFigures& more) {
  sum.requests += more.requests;
  sum.running += more.running;
  sum.failures += more.failures;
  sum.sent += more.sent;
  sum.received += more.received;
}

bool hear_node(std::string_view text, RouterFigures& into) {
  const auto n = take_numbers<6>(text);
  if (!n || (*n)[0] > text.size()) return false;
  const std::string_view key = text.substr(0, (*n)[0]);
  add_to(into.nodes[{std::string(key), std::string(text.substr(key.size()))}],
         {.requests = (*n)[1],
          .running = (*n)[2],
          .failures = (*n)[3],
          .sent = (*n)[4],
          .received = (*n)[5]});
  return true;
}

bool hear_field(std::string_view name, std::string_view value, RouterFigures& into) {
  if (name == "host") return hear_host(value, into);
  if (name == "id") return hear_vassal(value, into);
  if (name == "parked") return hear_parked(value, into);
  if (name == "hits") return hear_hits(value, into);
  if (name == "node") return hear_node(value, into);
  return true;  // whoever tells may be newer
}

}  // namespace

void RouterFigures::add(const RouterFigures& other) {
  sessions += other.sessions;
  for (const auto& [host, tally] : other.hosts)
    hosts[host].add(tally);
  for (const auto& [id, tally] : other.vassals)
    vassals[id].add(tally);
  for (const auto& [id, count] : other.parked)
    parked[id] += count;
  for (const auto& [key, count] : other.hits)
    hits[key] += count;
  for (const auto& [name, node] : other.nodes)
    add_to(nodes[name], node);
}

void tell(const RouterFigures& figures,
          const char* verb,
          const std::function<void(const Message&)>& send) {
  Teller teller(verb, send);
  teller.add("sessions", std::to_string(figures.sessions));
  for (const auto& [host, tally] : figures.hosts)
    teller.add("host", std::to_string(host.size()) + ' ' + host + to_text(tally));
  for (const auto& [id, tally] : figures.vassals)
    teller.add("id", std::to_string(id) + ' ' + to_text(tally));
  for (const auto& [id, count] : figures.parked)
    teller.add("parked", std::to_string(id) + ' ' + std::to_string(count));
  for (const auto& [key, count] : figures.hits)
    teller.add("hits", std::to_string(count) + ' ' + key);
  for (const auto& [name, node] : figures.nodes) {
    std::string text;
    for (const uint64_t number : {uint64_t{name.first.size()}, node.requests,
                                  node.running, node.failures, node.sent, node.received})
      text += std::to_string(number) + ' ';
    teller.add("node", text + name.first + name.second);
  }
  teller.finish();
}

Heard hear(const Message& message, RouterFigures* into) {
  into->sessions += message.number("sessions").value_or(0);
  for (const auto& [name, value] : message.fields) {
    if (value.size() > kMostValue) return Heard::garbage;
    if (into->hosts.size() + into->vassals.size() + into->parked.size() +
            into->hits.size() + into->nodes.size() >
        kMostEntries)
      return Heard::garbage;
    if (!hear_field(name, value, *into)) return Heard::garbage;
  }
  return message.get("last").empty() ? Heard::more : Heard::last;
}

std::string to_bytes(const RouterFigures& figures) {
  std::string bytes;
  tell(figures, "figures",
       [&](const Message& message) { bytes += encode(message).value_or(""); });
  return bytes;
}

RouterFigures figures_of_bytes(std::string_view bytes) {
  RouterFigures figures;
  while (const auto header = decode_header(bytes)) {
    if (header->total() > bytes.size()) break;
    const auto message = decode_message(bytes.substr(0, header->total()));
    if (!message || hear(*message, &figures) != Heard::more) break;
    bytes.remove_prefix(header->total());
  }
  return figures;
}

}  // namespace wire
