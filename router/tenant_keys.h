// TenantKeys: a directory with the SSH public keys of tenants, one file for each.
//
// DIR/NAME is an authorized_keys file. A key speaks for the hosts that its line's
// `hosts="..."` names; without it, for the host that the file is named after. A file that
// its tenant may write only speaks for its name: its lines could name anything.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/ssh/authorized_keys.h"

namespace router {

/// A key and the patterns of hosts (wire::covers) that it speaks for.
struct TenantKey {
  ssh::PublicKey key;
  std::vector<std::string> hosts;
};

/// By fingerprint.
using TenantFile = std::map<std::string, TenantKey, std::less<>>;

/// What a file of this name means. `trusted`: only the operator can have written it.
/// Appends to `notes` what is left out and why. Pure.
TenantFile parse_tenant_file(const std::string& name,
                             std::string_view text,
                             bool trusted,
                             std::vector<std::string>* notes);

class TenantKeys {
 public:
  explicit TenantKeys(std::string directory) : directory_(std::move(directory)) {}

  /// The keys of a tenant, read again if the file is another than before. The reference
  /// holds until the next call. An error if there is no such file.
  base::Result<const TenantFile*> find(std::string_view name);
  /// What was left out of files since the last call.
  std::vector<std::string> take_notes();

 private:
  struct Known {
    timespec changed{};
    ino_t inode = 0;
    TenantFile keys;
  };

  std::string directory_;
  std::unordered_map<std::string, Known> known_;
  std::vector<std::string> notes_;
};

}  // namespace router
