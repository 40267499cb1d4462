// Services: what a session needs of its router, by reference.
#pragma once

#include "base/log.h"
#include "base/uv/loop.h"
#include "base/uv/task_group.h"
#include "router/capacity.h"
#include "router/ledger.h"
#include "router/node_finder.h"
#include "router/node_links.h"
#include "router/options.h"
#include "router/post_buffer.h"
#include "router/refusal.h"
#include "router/request_head.h"
#include "router/route_table.h"
#include "router/scratch.h"
#include "router/vassals.h"

namespace router {

class ErrorPageFiles;

struct Services {
  uvx::Loop& loop;
  base::Log& log;
  const Options& options;
  RouteTable& routes;
  Vassals& vassals;
  uvx::TaskGroup& sessions;
  Ledger& ledger;
  const Capacity& capacity;
  NodeFinder& finder;  ///< of hosts that no vassal has
  Scratch& scratch;
  NodeLinks& links;
  const ErrorPageFiles* error_pages = nullptr;  ///< null: no pages but ours
  PostBudget post_budget = {};                  ///< of bodies held back
  size_t http_sessions = 0;
  size_t idle_sessions = 0;  ///< of them, those that wait for a request

  Occupancy occupancy() const {
    return {.sessions = sessions.size(),
            .http = http_sessions,
            .idle = idle_sessions,
            .parked = vassals.parked()};
  }
  bool has_room() const {
    if (!capacity.has_room(occupancy())) return false;
    // With nobody to serve, whoever connects waits in the backlog, or goes elsewhere.
    return !options.cheap || routes.size() > 0 || finder.anybody(base::Clock::now());
  }

  /// The vassal of a normalised host with a request of `content_length`, or why there is
  /// none.
  std::expected<Vassal*, Refusal> choose(std::string_view host,
                                         uint64_t content_length) const;
  /// The answer that says `refusal`: the page of `host`, if it has one of its own.
  std::string page(const Refusal& refusal,
                   std::string_view host,
                   PageBody body = PageBody::sent) const;
  /// Refuses a connection of the uwsgi port: by the page, or by nothing, as it is set.
  void turn_away(base::Fd connection, const Refusal& refusal, std::string_view host);
  /// Until when a request to `vassal` that came in at `arrived` may wait.
  static base::Deadline give_up_at(const Vassal& vassal, base::Instant arrived) {
    return base::Deadline(arrived + vassal.limits().queue_timeout);
  }
  /// The header of a message to `vassal` for a request that came in at `arrived`.
  static wire::HandoffHeader handoff_header(wire::HandoffKind kind,
                                            base::Instant arrived,
                                            const Vassal& vassal);
};

}  // namespace router
