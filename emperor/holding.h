// Holding: where descriptors outlive the emperor, by name. Two of them: in the keeper,
// and in the service manager, which survives the keeper, too.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "emperor/notify.h"

namespace emperor {

using Held = std::map<std::string, base::Fd>;

class Holding {
 public:
  virtual ~Holding() = default;
  /// Keeps a duplicate of `fd` under that name; an earlier one of the name is let go.
  virtual void hold(const std::string& name, int fd) = 0;
  virtual void release(const std::string& name) = 0;
};

/// In this process.
class OwnHolding final : public Holding {
 public:
  void hold(const std::string& name, int fd) override;
  void release(const std::string& name) override { held_.erase(name); }
  const Held& all() const { return held_; }
  /// The descriptor of that name, which is not held any more; empty if there is none.
  base::Fd take(const std::string& name);

 private:
  Held held_;
};

/// In systemd's store of descriptors (FDSTORE=1; the unit needs FileDescriptorStoreMax).
/// What cannot be named there (see store_name) is left out.
class StoreHolding final : public Holding {
 public:
  explicit StoreHolding(Notify& notify) : notify_(notify) {}
  void hold(const std::string& name, int fd) override;
  void release(const std::string& name) override;

 private:
  Notify& notify_;
};

/// A name as the store allows it: at most 255 printable characters without ':'. Nothing
/// if it is too long.
std::optional<std::string> store_name(std::string_view name);
/// The name back; nothing if it is none of ours.
std::optional<std::string> name_in_store(std::string_view stored);

/// What the service manager kept for us since the last run ($LISTEN_FDS); those variables
/// are removed. Descriptors that are not ours stay open and are left alone.
Held from_service_manager();

}  // namespace emperor
