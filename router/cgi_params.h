// CgiParams: the variables of a request, as a backend gets them that reads variables
// (uwsgi, scgi, fastcgi). Pure.
//
// CONTENT_LENGTH is what the shape of the request says, whatever the packet says; what
// the route fixes replaces what the front sent.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/wire/uwsgi_packet.h"
#include "router/refusal.h"
#include "router/request_writer.h"

namespace router {

class CgiParams {
 public:
  CgiParams() = default;
  ~CgiParams() = default;
  CgiParams(const CgiParams&) = delete;
  CgiParams& operator=(const CgiParams&) = delete;

  /// Takes the variables of a packet; views of vars() point into it, and into `params`.
  std::optional<Refusal> read(std::string_view block,
                              const RequestShape& shape,
                              std::span<const Param> params);
  /// Makes every name unique (of two values the last one that is not empty), and leaves
  /// out what a CGI program would misunderstand (httpoxy) or no longer holds.
  void clean();
  /// What FastCGI programs expect besides. If the route fixes DOCUMENT_ROOT, and nobody
  /// says SCRIPT_FILENAME, the script is found by the path: php-fpm serves nothing else.
  /// Its path never leaves the root. The front's DOCUMENT_ROOT does not count: nginx says
  /// one to everybody, and programs other than php's read PATH_INFO.
  std::optional<Refusal> complete_for_fastcgi();

  /// "" if the body has no length.
  std::string_view content_length() const { return length_; }
  /// All but CONTENT_LENGTH.
  const std::vector<wire::Var>& vars() const { return vars_; }

 private:
  std::string_view value_of(std::string_view key) const;
  void set(std::string_view key, std::string_view value);
  std::optional<Refusal> find_script(std::string_view root);

  std::vector<wire::Var> vars_;
  std::string_view root_;  // DOCUMENT_ROOT, if the route fixes it
  std::string length_;
  std::string script_;  // SCRIPT_NAME, where it is found here
  std::string file_;    // SCRIPT_FILENAME, the same
};

}  // namespace router
