#include "base/result.h"

#include <utility>

namespace base {

std::string Error::message() const {
  if (!code) return context;
  if (context.empty()) return code.message();
  return context + ": " + code.message();
}

std::unexpected<Error> fail(int errno_value, std::string context) {
  return std::unexpected(
      Error{std::error_code(errno_value, std::generic_category()), std::move(context)});
}

std::unexpected<Error> fail(std::string context) {
  return std::unexpected(Error{{}, std::move(context)});
}

std::unexpected<Error> fail_errno(std::string context) {
  return fail(errno, std::move(context));
}

std::unexpected<Error> wrap(const Error& error, std::string_view context) {
  return std::unexpected(Error{error.code, std::string(context) + ": " + error.context});
}

}  // namespace base
