// Request: what one uwsgi packet asks for, as the application is to see it.
//
// Pure: a complete block in, variables out. Here is decided which variables from the wire
// are dropped (a client's Proxy header, UWSGI_* that would make the server act), which
// are joined (repeated headers) and which are missing. Views point into the block, or
// into the request itself for what was joined; both live as long as the request is
// served.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wire/uwsgi_packet.h"

namespace vassal {

/// modifier1 of a front that leaves SCRIPT_NAME at the beginning of PATH_INFO.
inline constexpr uint8_t kScriptNameModifier = 30;

struct Request {
  /// Every variable but SCRIPT_NAME, PATH_INFO and CONTENT_LENGTH, each name once.
  std::vector<wire::Var> vars;

  std::string_view method;
  std::string_view script_name;  ///< "" when the front sent none
  std::string_view path_info;
  std::string_view uri;
  std::string_view protocol;
  std::string_view scheme;  ///< "http" or "https"
  std::string_view host;
  std::string_view query;
  std::string_view remote_addr;
  std::string_view remote_user;
  std::string_view user_agent;
  std::string_view referer;
  std::string_view forwarded_for;
  std::string_view if_modified_since;
  std::string_view server_name;
  std::string_view server_port;
  std::string_view length_text;  ///< CONTENT_LENGTH as it came; "" if absent
  std::optional<uint64_t> content_length;

  uint32_t var_count = 0;  ///< variables on the wire
  uint32_t block_size = 0;

  bool is_head() const { return method == "HEAD"; }
  /// Fills the request from a whole block; null, or what is wrong with the block.
  const char* parse(std::string_view block, uint8_t modifier1);

 private:
  enum class Use : uint8_t;
  struct Known;
  struct KnownNames;

  void reset();
  void take(const wire::Var& var);
  bool use(const Known& known, std::string_view value);
  void add(const wire::Var& var);
  void join(wire::Var& into, std::string_view value);
  void fill_absent();

  std::deque<std::string>
      joined_;         // owners of joined values; a deque keeps them in place
  uint64_t seen_ = 0;  // one bit per hash of a name: most names need no search
  std::string_view forwarded_scheme_;
  std::string_view request_scheme_;
  bool https_ = false;
};

}  // namespace vassal
