// Result and Error: how everything that can fail says so.
//
// Start-up code may throw; everything that runs while tenants are served returns a Result
// and is answered where the noun (path, vassal, key) is known. An Error is an error code
// and one sentence of context; libuv's negated errno values fit the same space (see
// from_uv).
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <system_error>

namespace base {

/// What went wrong and with what: `context` names the operation and its noun
/// ("bind /run/site.sock"), `code` says why. A code of 0 means that context says it all.
struct Error {
  std::error_code code;
  std::string context;

  /// "bind /run/site.sock: Permission denied"
  std::string message() const;
  bool is(std::errc errc) const { return code == errc; }
};

template <class T = void>
using Result = std::expected<T, Error>;

/// An error from errno (or any positive errno value), ready to return from a Result
/// function.
std::unexpected<Error> fail(int errno_value, std::string context);
/// An error that no errno describes: the context is the whole message.
std::unexpected<Error> fail(std::string context);
/// The errno now, with context. Evaluate arguments that may change errno before.
std::unexpected<Error> fail_errno(std::string context);
/// Hands an error up with more context in front: "vassal blog: " + what was there.
std::unexpected<Error> wrap(const Error& error, std::string_view context);

}  // namespace base

#define IMPERIUM_CONCAT_(a, b) a##b
#define IMPERIUM_CONCAT(a, b) IMPERIUM_CONCAT_(a, b)
#define TRY_ASSIGN_(tmp, var, expr)                         \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  var = *std::move(tmp)
/// TRY_ASSIGN(auto fd, open_fd(path)): declares, tests, and returns the error to the
/// caller.
#define TRY_ASSIGN(var, expr) \
  TRY_ASSIGN_(IMPERIUM_CONCAT(try_result_, __LINE__), var, expr)
/// TRY(expr): the same for a Result without a value.
#define TRY(expr)                                            \
  do {                                                       \
    if (auto try_result = (expr); !try_result)               \
      return std::unexpected(std::move(try_result).error()); \
  } while (false)
