// Options of a router process, as the emperor or an operator gives them on the command
// line.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "router/access_line.h"
#include "router/node_finder.h"
#include "router/patience.h"
#include "router/peer_networks.h"
#include "router/request_writer.h"
#include "router/resubscriber.h"
#include "router/subscription_policy.h"

namespace router {

struct Options {
  std::string ini;                        ///< file that gave some of these
  int control_fd = -1;                    ///< channel from the emperor; -1: running alone
  std::vector<std::string> router_uwsgi;  ///< addresses to bind when running alone
  std::vector<std::string> router_http;
  std::vector<std::string> router_https;
  std::string certificates;  ///< directory, when running alone
  bool strict_sni = false;   ///< no certificate for a name: an alert, not the default one
  PeerNetworks proxy_protocol_from;  ///< HTTP peers that must say for whom they connect
  /// HTTP connections of one client address; 0: no limit; not given: 256, and none for
  /// this machine's own.
  std::optional<size_t> connections_per_peer;
  PeerNetworks trusted_proxies;         ///< HTTP peers whose X-Forwarded-* are believed
  std::optional<uint32_t> socket_mode;  ///< of the unix sockets of router_uwsgi
  std::chrono::seconds header_timeout{
      15};  ///< from the first byte of a request to the end of its head
  std::chrono::seconds http_timeout{60};  ///< client silent, or not reading, for longer
  std::chrono::seconds request_timeout{60};  ///< vassal silent for longer: 504
  std::chrono::seconds tunnel_timeout{
      3600};  ///< nothing moves either way after a switch of protocols (WebSocket)
  std::chrono::seconds queue_timeout{30};  ///< untaken by any worker for longer: 503
  size_t queue_max = 2048;                 ///< parked requests of one vassal
  size_t queue_total = 16384;              ///< parked requests of all vassals
  uint64_t limit_post = 0;                 ///< bytes of a request body; 0: no limit
  size_t concurrency_max = 0;  ///< relayed requests of one vassal at once; 0: no limit
  uint64_t bandwidth_max = 0;  ///< bytes a second of one vassal's relayed answers
  std::vector<std::string> subscription_servers;  ///< datagram addresses to hear nodes on
  SubscriptionRules subscriptions;
  FinderRules finder;
  std::vector<Param> node_params;  ///< said to every node that is told variables
  bool cheap = false;              ///< accept only while somebody could serve
  uint64_t post_buffering = 0;     ///< bytes of a body to a node that are held in memory
                                   ///< until it is whole, the rest in a file; 0: sent on
                                   ///< as it comes
  std::string user;                ///< to become once everything is bound; empty: nobody
  std::string group;
  unsigned processes = 1;  ///< when running alone
  ResubscribeRules resubscribe;
  SubscriptionProofs subscription_proofs;
  std::string access_log;  ///< path; empty: none
  AccessFormat access_log_format = AccessFormat::combined;
  /// What a failure on the uwsgi port looks like: a page, or the connection closed with
  /// nothing sent, so that nginx tries its next upstream.
  enum class Errors : uint8_t { page, close };
  Errors errors = Errors::page;
  std::string error_pages;  ///< directory of the operator's own pages; empty: none
  std::string stats;        ///< address of the JSON page, when running alone; empty: none
  std::string metrics;      ///< and of the page for Prometheus
  size_t stats_hosts = 1000;  ///< hosts with figures of their own
  base::LogLevel log_level = base::LogLevel::info;

  ExchangePatience patience() const {
    return {.client = http_timeout, .backend = request_timeout, .tunnel = tunnel_timeout};
  }
  /// How long the head of a request may take.
  base::Duration head_patience() const { return std::min(header_timeout, http_timeout); }
};

/// The most bytes of a request's head.
inline constexpr size_t kMaxHead = 64 * 1024;
/// What all parked requests together may hold in memory.
inline constexpr size_t kMaxParkedBytes = 256 * 1024 * 1024;

}  // namespace router
