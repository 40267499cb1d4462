// Snapshot: what the next emperor has to know of one vassal, as a value and as bytes.
// Pure.
//
// Kept by the keeper in a small memfd per vassal, renewed at every change of its life.
// The next emperor believes it only as far as the kernel agrees (launcher and adoption
// check).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "emperor/record.h"

namespace emperor {

struct Snapshot {
  struct Socket {
    std::string text;
    std::string path;
    uint64_t device = 0;
    uint64_t inode = 0;
    friend bool operator==(const Socket&, const Socket&) = default;
  };
  struct Started {
    uint64_t number = 0;
    uint64_t pid = 0;  ///< 0: it was not cloned yet
    bool ready = false;
    bool over = false;
    uint64_t configuration = 0;  ///< index into configurations
    friend bool operator==(const Started&, const Started&) = default;
  };

  std::string name;
  uint64_t id = 0;
  std::string path;
  std::string file_name;  ///< as the source called it
  uint64_t source = 0;
  FileIdentity identity;
  uint64_t rules = 0;  ///< a hash of what the operator said about every file
  LifeSummary life;
  std::string file_error;
  std::string last_error;
  uint64_t requests_before = 0;
  uint64_t oom_kills = 0;
  std::vector<Death> deaths;
  std::vector<Socket> sockets;
  std::vector<Started> generations;
  std::vector<std::string>
      configurations;  ///< encoded layers; the first is the newest, if any
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

Snapshot take_snapshot(const Vassal& vassal, const Known& file);
std::string encode_snapshot(const Snapshot& snapshot);
base::Result<Snapshot> decode_snapshot(std::string_view bytes);

}  // namespace emperor
