// DomainPolicy: who may claim which host at all. Pure.
//
// Before two vassals compete for a host (claims.h), each has to be allowed to claim it:
// by the operator's list, by the name of its file, or because everybody may. What a
// vassal may not claim it never holds, whatever is free.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace emperor {

/// `domains =`
enum class DomainRule {
  any,       ///< first come, first served
  filename,  ///< the host that the file is named after and all below it; and the list
  policy     ///< what the list says
};
std::optional<DomainRule> parse_domain_rule(std::string_view word);

/// Who wants a host.
struct Claimer {
  std::string name;  ///< below the source's fixed prefix, without ".ini"
  /// Only the operator can put a file of this name there. Where a tenant can, the name
  /// proves nothing.
  bool name_counts = true;
  std::optional<uid_t> uid;  ///< as whom it runs
  bool tenant = false;       ///< a tenant wrote the file (tyrant mode)
};

/// The operator's list: per vassal, per uid, or for everybody ("*") the patterns of hosts
/// (wire::covers) that may be claimed.
class DomainList {
 public:
  using FindUser = std::function<base::Result<uid_t>(const std::string& user)>;
  /// Lines of `WHO HOST...`, WHO = a vassal's name, `uid:1001`, `user:alice` or `*`; `#`
  /// begins a comment. Any fault makes all of it an error: "line 3: ...".
  static base::Result<DomainList> parse(std::string_view text, const FindUser& find_user);

  bool allows(const Claimer& claimer, std::string_view host) const;
  size_t size() const { return by_name_.size() + by_uid_.size(); }

 private:
  using Patterns = std::vector<std::string>;
  base::Result<Patterns*> patterns_of(std::string_view who, const FindUser& find_user);
  std::map<std::string, Patterns, std::less<>> by_name_;
  std::map<uid_t, Patterns> by_uid_;
  Patterns for_all_;
};

struct DomainPolicy {
  DomainRule rule = DomainRule::any;
  DomainList list;

  /// Why `claimer` may not claim `host` (normalised); nothing if it may.
  std::optional<std::string> refuse(const Claimer& claimer, std::string_view host) const;
};

}  // namespace emperor
