// Any text as a vassal file's meaning: what make_config lets through is within its
// bounds, the same settings mean the same after a journey through the codec, and any
// bytes decode or are refused.
#include <string>

#include "base/ini_expand.h"
#include "tests/config/machine.h"
#include "tests/fuzz/invariant.h"
#include "vassal/read_result.h"
#include "vassal/settings_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto read = vassal::decode_read_result(text)) {
    const auto again = vassal::decode_read_result(vassal::encode_read_result(*read));
    invariant(again && *again == *read, "a result survives the way there and back");
  }
  vassal::Layers layers;
  layers.file = "/v/site.ini";
  layers.vassal = machine::settings(text);
  const auto made = vassal::make_config(layers, machine::FewNames());
  invariant(made.config.processes >= 1 && made.config.processes <= 1023,
            "processes are bounded");
  for (const auto& socket : made.config.sockets)
    invariant(socket.path.size() <= 107, "socket paths fit");
  const auto bytes = vassal::encode_layers(layers);
  if (!bytes) return 0;
  const auto back = vassal::decode_layers(*bytes);
  invariant(back && *back == layers, "layers survive the way there and back");
  const auto again = vassal::make_config(*back, machine::FewNames());
  invariant(again.diagnostics == made.diagnostics, "the same settings mean the same");
  return 0;
}
