// Users and groups of this machine, for make_config.
#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <type_traits>
#include <vector>

#include "vassal/config.h"
#include "vassal/ids.h"

namespace vassal {

namespace {

/// Calls one of the *_r functions with a buffer that grows until it fits.
template <class Record, class Call>
std::optional<Record> look_up(Call call, std::vector<char>& buffer) {
  buffer.resize(1024);
  for (;;) {
    Record record{};
    Record* found = nullptr;
    const int error = call(&record, buffer.data(), buffer.size(), &found);
    if (error == ERANGE && buffer.size() < (size_t{1} << 20)) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (error != 0 || found == nullptr) return std::nullopt;
    return record;
  }
}

class SystemNames final : public Names {
 public:
  std::optional<uid_t> uid_of(std::string_view user) const override {
    std::vector<char> buffer;
    const std::string name(user);
    const auto record = look_up<passwd>(
        [&](passwd* p, char* b, size_t n, passwd** f) {
          return ::getpwnam_r(name.c_str(), p, b, n, f);
        },
        buffer);
    return record ? std::optional(record->pw_uid) : std::nullopt;
  }
  std::optional<gid_t> gid_of(std::string_view group) const override {
    std::vector<char> buffer;
    const std::string name(group);
    const auto record = look_up<::group>(
        [&](::group* g, char* b, size_t n, ::group** f) {
          return ::getgrnam_r(name.c_str(), g, b, n, f);
        },
        buffer);
    return record ? std::optional(record->gr_gid) : std::nullopt;
  }
  std::optional<std::string> name_of(uid_t uid) const override {
    std::vector<char> buffer;
    const auto record = by_uid(uid, buffer);
    return record ? std::optional<std::string>(record->pw_name) : std::nullopt;
  }
  std::optional<gid_t> primary_gid_of(uid_t uid) const override {
    std::vector<char> buffer;
    const auto record = by_uid(uid, buffer);
    return record ? std::optional(record->pw_gid) : std::nullopt;
  }

 private:
  static std::optional<passwd> by_uid(uid_t uid, std::vector<char>& buffer) {
    return look_up<passwd>([&](passwd* p, char* b, size_t n,
                               passwd** f) { return ::getpwuid_r(uid, p, b, n, f); },
                           buffer);
  }
};

/// Users and groups have numbers of one kind.
static_assert(std::is_same_v<uid_t, gid_t>);
std::optional<uid_t> number(const std::string& text) {
  uid_t id = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, id);
  return error == std::errc{} && at == end ? std::optional(id) : std::nullopt;
}

}  // namespace

const Names& system_names() {
  static const SystemNames names;
  return names;
}

base::Result<uid_t> user_id(const std::string& text) {
  if (const auto id = number(text)) return *id;
  if (const auto id = system_names().uid_of(text)) return *id;
  return base::fail("unknown user '" + text + "'");
}

base::Result<gid_t> group_id(const std::string& text) {
  if (const auto id = number(text)) return *id;
  if (const auto id = system_names().gid_of(text)) return *id;
  return base::fail("unknown group '" + text + "'");
}

}  // namespace vassal
