// ErrorPages: the operator's own pages for what the router answers by itself. Pure.
//
// A page stands for a status everywhere, or for one domain: an exact name goes before the
// longest wildcard ("*.example.com"), and that before everywhere. Pages are kept in
// memory: a host name is only ever compared, never made part of a path.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace router {

/// What all pages together may hold.
struct ErrorPageBounds {
  size_t most_pages = 20'000;
  size_t page_bytes = 256 * 1024;
  size_t all_bytes = 64ull * 1024 * 1024;
};

class ErrorPages {
 public:
  /// `domain`: normalised, "*.suffix", or empty for everywhere. False if there is no room
  /// for it.
  bool add(std::string_view domain,
           int status,
           std::string page,
           const ErrorPageBounds& bounds = {});
  /// The page for a failure of `host` (normalised), null if there is none.
  const std::string* find(std::string_view host, int status) const;
  size_t size() const { return pages_.size(); }

 private:
  static std::string key(std::string_view domain, int status);
  const std::string* exact(std::string_view domain, int status) const;

  std::unordered_map<std::string, std::string> pages_;
  size_t bytes_ = 0;
};

/// "503.html" -> 503; 0 if it is not the name of a page.
int status_of_page(std::string_view file_name);

}  // namespace router
