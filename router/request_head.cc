#include "router/request_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/wire/uwsgi_packet.h"

namespace router {

namespace {

constexpr size_t kHostSources = 3;
// By precedence: the first with a value names the vassal.
constexpr std::array<std::string_view, kHostSources> kHostKeys{
    "UWSGI_FASTROUTER_KEY", "HTTP_HOST", "SERVER_NAME"};
constexpr std::string_view kContentLength = "CONTENT_LENGTH";
constexpr std::string_view kRemoteAddr = "REMOTE_ADDR";
constexpr size_t kLongestKey = 255;  // uWSGI ignores longer ones

constexpr std::array<std::string_view, 8> kMethods{"GET ", "HEAD", "POST", "PUT ",
                                                   "DELE", "OPTI", "PATC", "CONN"};

struct Found {
  std::array<std::string_view, kHostSources> hosts;
  std::string_view content_length;
  std::string_view remote_addr;
};

void note(const wire::Var& var, Found& found) {
  if (var.key == kContentLength) {
    found.content_length = var.value;
    return;
  }
  if (var.key == kRemoteAddr) found.remote_addr = var.value;
  for (size_t i = 0; i < kHostSources; ++i)
    if (var.key == kHostKeys[i] && !var.value.empty() && var.value.size() <= kLongestKey)
      found.hosts[i] = var.value;
}

}  // namespace

bool looks_like_http(std::string_view bytes) {
  return bytes.size() >= 4 &&
         std::ranges::find(kMethods, bytes.substr(0, 4)) != kMethods.end();
}

std::expected<uint64_t, Refusal> parse_content_length(std::string_view text) {
  uint64_t length = 0;
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc{} || stop != text.data() + text.size())
    return std::unexpected(refusals::kBadLength);
  return length;
}

std::expected<RequestHead, Refusal> read_request_head(std::string_view block,
                                                      wire::HostBuffer& buffer) {
  Found found;
  wire::VarReader vars(block);
  while (const auto var = vars.next())
    note(*var, found);
  if (vars.error() != nullptr) return std::unexpected(refusals::kMalformed);

  RequestHead head;
  const auto host = std::ranges::find_if(found.hosts, [](auto h) { return !h.empty(); });
  if (host != found.hosts.end()) {
    const auto name = wire::normalise_host(*host, buffer);
    if (!name) return std::unexpected(refusals::kBadHost);
    head.host = *name;
    head.key = *host;
  }
  head.remote_addr = found.remote_addr;
  if (!found.content_length.empty()) {
    const auto length = parse_content_length(found.content_length);
    if (!length) return std::unexpected(length.error());
    head.content_length = *length;
  }
  return head;
}

}  // namespace router
