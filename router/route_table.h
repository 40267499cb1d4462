// RouteTable: which vassal a host name belongs to. Pure.
//
// Exact names first, then the longest wildcard ("*.example.com" matches a.b.example.com
// but not example.com), then the default ("*"). Names come normalised (wire/host_name.h),
// from the emperor's claims and from request heads alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace router {

/// The emperor's number for a vassal; never reused while a router lives.
using VassalId = uint64_t;

class RouteTable {
 public:
  /// `domain`: a name, "*.suffix", or "*" for the default. Replaces what was there.
  void set(std::string_view domain, VassalId id);
  void erase(std::string_view domain);
  /// Forgets every route to a vassal; at no cost if it has none any more.
  void erase_vassal(VassalId id);

  /// The vassal of a normalised host name; an empty name only matches the default.
  std::optional<VassalId> find(std::string_view host) const;
  /// By which domain find() found it: the name itself, "*.suffix" or "*"; empty if it
  /// does not.
  std::string domain_of(std::string_view host) const;
  size_t size() const { return exact_.size() + wildcards_.size() + (default_ ? 1 : 0); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Map = std::unordered_map<std::string, VassalId, Hash, std::equal_to<>>;

  void put(Map& map, std::string_view key, VassalId id);
  void drop(Map& map, std::string_view key);
  void count_down(VassalId id);

  Map exact_;
  Map wildcards_;  // by suffix: "*.example.com" stands under "example.com"
  std::optional<VassalId> default_;
  std::unordered_map<VassalId, size_t> counts_;  // of names; who has none stands not here
};

}  // namespace router
