#include "base/wire/handoff.h"

#include <cstring>

namespace wire {

namespace {

struct Layout {
  uint8_t version;
  uint8_t kind;
  uint8_t reserved[6];
  uint64_t arrived_ns;
  uint64_t deadline_ns;  // UINT64_MAX = never
};
static_assert(sizeof(Layout) == kHandoffHeader);

}  // namespace

void encode_handoff(const HandoffHeader& header, char* out) {
  const Layout layout{
      .version = HandoffHeader::kVersion,
      .kind = static_cast<uint8_t>(header.kind),
      .reserved = {},
      .arrived_ns = base::to_wire(header.arrived),
      .deadline_ns =
          header.deadline.is_never() ? UINT64_MAX : base::to_wire(header.deadline.at()),
  };
  std::memcpy(out, &layout, sizeof(layout));
}

std::optional<HandoffHeader> decode_handoff(std::string_view message) {
  if (message.size() < kHandoffHeader) return std::nullopt;
  Layout layout;
  std::memcpy(&layout, message.data(), sizeof(layout));
  if (layout.version != HandoffHeader::kVersion) return std::nullopt;
  if (layout.kind < static_cast<uint8_t>(HandoffKind::nginx) ||
      layout.kind > static_cast<uint8_t>(HandoffKind::http_pipe))
    return std::nullopt;
  return HandoffHeader{
      .kind = static_cast<HandoffKind>(layout.kind),
      .arrived = base::from_wire(layout.arrived_ns),
      .deadline = layout.deadline_ns == UINT64_MAX
                      ? base::Deadline::never()
                      : base::Deadline(base::from_wire(layout.deadline_ns)),
  };
}

}  // namespace wire
