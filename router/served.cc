#include "router/served.h"

#include <array>

#include "base/log.h"
#include "base/wire/uwsgi_packet.h"

namespace router {

namespace {

struct Row {
  std::string_view key;
  std::string_view Served::* field;
};

constexpr std::array kRows{
    Row{"REQUEST_METHOD", &Served::method},      Row{"REQUEST_URI", &Served::target},
    Row{"SERVER_PROTOCOL", &Served::protocol},   Row{"REMOTE_ADDR", &Served::client},
    Row{"REMOTE_USER", &Served::user},           Row{"HTTP_REFERER", &Served::referer},
    Row{"HTTP_USER_AGENT", &Served::user_agent},
};

}  // namespace

Served with_packet(Served served) {
  const auto header = wire::decode_header(served.packet);
  if (!header || served.packet.size() < header->total()) return served;
  wire::VarReader vars(served.packet.substr(wire::kPacketHeader, header->size));
  while (const auto var = vars.next())
    for (const Row& row : kRows)
      if (var->key == row.key && (served.*row.field).empty())
        served.*row.field = var->value;
  return served;
}

std::string hop_text(const Served& served) {
  if (served.refusal == nullptr) return {};
  const std::string_view hop = hop_of(served.refusal->cause);
  if (hop != "vassal" || served.node.empty()) return std::string(hop);
  return "node " + base::printable(served.node);
}

}  // namespace router
