#include "vassal/announcement.h"

#include <algorithm>

#include "base/wire/subscription.h"
#include "base/wire/uwsgi_packet.h"
#include "vassal/sockets.h"

namespace vassal {

OwnAddress own_address(const SocketAddress& socket, uint16_t bound_port) {
  OwnAddress out{.text = socket.text, .protocol = socket.protocol};
  if (socket.kind == SocketAddress::Kind::unix_path) out.text = socket.path;
  if (socket.kind == SocketAddress::Kind::abstract) out.text = "@" + socket.path;
  if (socket.kind != SocketAddress::Kind::tcp) return out;
  const uint16_t port = socket.port != 0 ? socket.port : bound_port;
  const bool v6 = socket.host.find(':') != socket.host.npos;
  out.text = (v6 ? "[" + socket.host + "]" : socket.host) + ":" + std::to_string(port);
  return out;
}

bool is_sent(const Subscription& s) {
  return !s.ours && !s.server.empty() && !s.key.empty() && !s.key.starts_with('@');
}

namespace {

uint64_t weight_of(const VassalConfig& config, const Subscription& s) {
  if (s.weight != 0) return s.weight;
  if (config.weight != 0) return config.weight;
  return config.auto_weight ? uint64_t{config.processes} * config.threads : 1;
}

uint8_t modifier_of(const VassalConfig& config, const Subscription& s) {
  return s.modifier1.value_or(config.subscribe_with_modifier1);
}

}  // namespace

std::optional<std::string> announcement(const VassalConfig& config,
                                        const Subscription& s,
                                        const std::vector<OwnAddress>& own,
                                        const Moment& moment) {
  const size_t index = s.socket.value_or(0);
  if (s.address.empty() && index >= own.size()) return std::nullopt;
  const OwnAddress address =
      s.address.empty() ? own[index] : OwnAddress{.text = s.address};
  const std::string_view spoken =
      address.protocol == SocketProtocol::uwsgi ? "" : name_of(address.protocol);
  wire::Subscription packet;
  packet.key = s.key;
  packet.address = address.text;
  packet.modifier1 = modifier_of(config, s);
  packet.modifier2 = s.modifier2;
  packet.cores = uint64_t{config.processes} * config.threads;
  packet.load = moment.load;
  packet.weight = weight_of(config, s);
  packet.backup = s.backup;
  packet.algo = s.algo;
  packet.proto = s.proto.empty() ? spoken.substr(0, 1) : std::string_view(s.proto);
  packet.notify = config.subscription_notify_socket;
  packet.leave = moment.leave;
  // uWSGI's way, so that one who leaves at once is newer than what it said before.
  packet.unix_time = moment.unix_time + (moment.leave ? 1 : 0);
  return wire::encode_subscription(packet);
}

std::string_view signed_part(std::string_view packet) {
  return packet.substr(std::min(wire::kPacketHeader, packet.size()));
}

std::optional<std::string> with_signature(std::string_view packet,
                                          std::string_view signature) {
  const auto header = wire::decode_header(packet);
  if (!header) return std::nullopt;
  wire::PacketBuilder out(header->modifier1, header->modifier2);
  wire::VarReader vars(signed_part(packet));
  bool fits = true;
  while (const auto var = vars.next())
    fits = fits && out.add(var->key, var->value);
  fits = fits && out.add("sign", signature);
  if (!fits || out.bytes().size() > wire::kMaxSubscription) return std::nullopt;
  return out.bytes();
}

}  // namespace vassal
