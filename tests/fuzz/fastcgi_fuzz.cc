// Records read whole and read in pieces of any size say the same.
#include <algorithm>
#include <string>

#include "router/fastcgi.h"
#include "tests/fuzz/invariant.h"

namespace {

using router::fastcgi::AnswerRecords;

struct Outcome {
  AnswerRecords::State state;
  bool complete;
  bool excess;
  std::string out;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view bytes, size_t step) {
  AnswerRecords records;
  std::string out;
  while (!bytes.empty()) {
    std::string piece(bytes.substr(0, step));
    const size_t size = records.feed(piece);
    invariant(size <= piece.size(), "nothing is made up");
    out += piece.substr(0, size);
    bytes.remove_prefix(piece.size());
  }
  invariant(records.error_text().size() <= AnswerRecords::kMaxError,
            "the error stream is bounded");
  return {records.state(), records.complete(), records.excess(), out,
          std::string(records.error_text())};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 4096) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(bytes, size);
  invariant(whole == read(bytes, 1), "bytes make no difference");
  invariant(whole == read(bytes, 1U + data[0]), "pieces make no difference");
  return 0;
}
