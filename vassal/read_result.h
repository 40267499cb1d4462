// ReadResult: what the reader found in one vassal file, as a value and as bytes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/open_files.h"
#include "base/result.h"
#include "vassal/config.h"

namespace vassal {

struct ReadResult {
  std::string path;  ///< as it was asked for
  /// The file itself first, then what it includes or inserts; empty if it could not be
  /// opened.
  std::vector<base::FileFact> files;
  /// FNV-1a over the content of all of them, for telling whether anything changed. It is
  /// no proof: an owner who makes two of his files collide only fails to get his own
  /// change noticed.
  uint64_t hash = 0;
  std::vector<base::Setting> settings;
  std::vector<Diagnostic>
      diagnostics;  ///< of the dialect; make_config adds those of the meaning

  const Diagnostic* first_error() const;
  friend bool operator==(const ReadResult&, const ReadResult&) = default;
};

/// Always fits: a result beyond kMostEncodedBytes becomes one that only says so.
std::string encode_read_result(const ReadResult& result);
base::Result<ReadResult> decode_read_result(std::string_view bytes);

/// Results as they come through a pipe, each behind its length, cut anywhere.
class ReadResultStream {
 public:
  /// Takes what was read from the pipe; the results that are complete now, in order.
  /// After an error (a length beyond the bound, damaged bytes) the stream is of no more
  /// use.
  base::Result<std::vector<ReadResult>> feed(std::string_view bytes);
  /// Nothing of a further result is there: the right state at the end of the pipe.
  bool clean() const { return pending_.empty(); }

 private:
  std::string pending_;
};

/// The bytes of one result as the stream wants them.
std::string framed(const ReadResult& result);

/// 64-bit FNV-1a, continued from `hash`.
uint64_t fnv1a(std::string_view bytes, uint64_t hash = 0xcbf29ce484222325);

}  // namespace vassal
