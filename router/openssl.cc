#include "router/openssl.h"

#include <openssl/err.h>

namespace router {

std::string_view openssl_fault() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown";
}

}  // namespace router
