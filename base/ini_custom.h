// Options that a file declares itself: `declare-option =
// name=socket=/run/$1.sock;domain=$1`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/setting.h"

namespace base {

class CustomOptions {
 public:
  bool empty() const { return declared_.empty(); }
  bool knows(std::string_view key) const {
    return declared_.find(key) != declared_.end();
  }
  /// From the text behind `declare-option =`; false if it is none.
  bool declare(std::string_view text);
  /// The settings that `s` stands for, `$1`, `$2` ... replaced by the words of its value;
  /// empty if nobody declared its key. Custom options in them are not expanded again.
  std::vector<Setting> expand(const Setting& s) const;

 private:
  std::map<std::string, std::string, std::less<>> declared_;
};

}  // namespace base
