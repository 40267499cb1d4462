#include "base/wire/host_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace wire {

namespace {

constexpr size_t kMaxName = 253;  // RFC 1035, 2.3.4, without the root dot
constexpr size_t kMaxLabel = 63;

bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!is_label_char(c) || ++label > kMaxLabel) {
      return false;
    }
  }
  return label > 0;
}

bool is_ipv6_literal(std::string_view text) {
  if (text.size() <= 2 || text.front() != '[' || text.back() != ']') return false;
  const std::string inner(text.substr(1, text.size() - 2));
  in6_addr address;
  return ::inet_pton(AF_INET6, inner.c_str(), &address) == 1;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() ||
         (error == std::errc{} && end == text.data() + text.size() && port <= 65535);
}

std::string_view lower(std::string_view text, HostBuffer& buffer) {
  std::ranges::transform(text, buffer.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return {buffer.data(), text.size()};
}

/// `host` without its port; nothing if what follows the colon is none.
std::optional<std::string_view> without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos)
    return host;
  if (!is_port(host.substr(colon + 1))) return std::nullopt;
  return host.substr(0, colon);
}

}  // namespace

std::optional<std::string_view> normalise_host(std::string_view host,
                                               HostBuffer& buffer) {
  const auto bare = without_port(host);
  if (!bare || bare->size() > buffer.size()) return std::nullopt;
  std::string_view name = lower(*bare, buffer);
  if (is_ipv6_literal(name)) return name;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (!is_name(name)) return std::nullopt;
  return name;
}

std::optional<std::string> normalise_host(std::string_view host) {
  HostBuffer buffer;
  const auto name = normalise_host(host, buffer);
  if (!name) return std::nullopt;
  return std::string(*name);
}

std::optional<std::string> normalise_domain(std::string_view domain) {
  if (domain == "*") return "*";
  const bool wildcard = domain.starts_with("*.");
  if (wildcard) domain.remove_prefix(2);
  if (domain.find(':') != std::string_view::npos && !domain.starts_with('['))
    return std::nullopt;
  auto name = normalise_host(domain);
  if (name && wildcard) name->insert(0, "*.");
  return name;
}

}  // namespace wire
