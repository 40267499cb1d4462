// Figures that were understood are told and understood again as the same.
#include "base/wire/router_figures.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto message = wire::decode_message(bytes);
  wire::RouterFigures figures;
  if (!message || wire::hear(*message, &figures) == wire::Heard::garbage) return 0;
  wire::RouterFigures again;
  auto last = wire::Heard::more;
  wire::tell(figures, "figures", [&](const wire::Message& part) {
    invariant(encode(part).has_value(), "a part fits a packet");
    last = wire::hear(part, &again);
  });
  invariant(last == wire::Heard::last, "a picture has an end");
  invariant(again.hosts.size() == figures.hosts.size() &&
                again.nodes.size() == figures.nodes.size() &&
                again.parked == figures.parked && again.hits == figures.hits,
            "nothing is lost on the way");
  return 0;
}
