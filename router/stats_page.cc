#include "router/stats_page.h"

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

namespace router {

namespace {

using json = nlohmann::ordered_json;

int64_t unix_time(base::Instant at, base::Instant now) {
  using std::chrono::system_clock;
  if (at == base::Instant{}) return 0;
  return system_clock::to_time_t(
      system_clock::now() - std::chrono::duration_cast<system_clock::duration>(now - at));
}

/// uWSGI's number of a key (djb33x).
uint32_t hash_of(std::string_view key) {
  uint32_t hash = 5381;
  for (const char c : key)
    hash = ((hash << 5) + hash) ^ static_cast<unsigned char>(c);
  return hash % 0xffff;
}

std::string_view name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::wrr:
      return "wrr";
    case Algorithm::lrc:
      return "lrc";
    case Algorithm::wlrc:
      return "wlrc";
    case Algorithm::iphash:
      return "iphash";
  }
  return "";
}

wire::NodeFigures figures_of(const StatsView& view,
                             const std::string& key,
                             const Node& node) {
  const auto found = view.figures.nodes.find({key, node.address});
  return found == view.figures.nodes.end() ? wire::NodeFigures{} : found->second;
}

json node_row(const StatsView& view, const std::string& key, const Node& node) {
  const wire::NodeFigures count = figures_of(view, key, node);
  return {{"name", node.address},
          {"modifier1", node.modifier1},
          {"modifier2", node.modifier2},
          {"last_check", unix_time(node.heard, view.now)},
          {"pid", node.sender.pid},
          {"uid", node.sender.uid.value_or(0)},
          {"gid", node.sender.gid.value_or(0)},
          {"requests", count.requests},
          {"last_requests", 0},
          {"tx", count.received},
          {"rx", count.sent},
          {"cores", node.cores},
          {"load", node.load},
          {"weight", node.weight},
          {"backup", node.backup},
          {"proto", name_of(node.protocol)},
          {"wrr", node.credit},
          {"ref", count.running},
          {"failcnt", count.failures},
          {"death_mark", node.dead ? 1 : 0}};
}

json subscription_rows(const StatsView& view) {
  json rows = json::array();
  for (const auto& [key, pool] : view.subscriptions.pools()) {
    json nodes = json::array();
    for (const auto& node : pool.nodes())
      nodes.push_back(node_row(view, key, *node));
    const auto hits = view.figures.hits.find(key);
    rows.push_back({{"key", key},
                    {"hash", hash_of(key)},
                    {"hits", hits == view.figures.hits.end() ? 0 : hits->second},
                    {"sni_enabled", 0},
                    {"algo", name_of(pool.algorithm())},
                    {"nodes", std::move(nodes)}});
  }
  return rows;
}

json static_rows(const StatsView& view) {
  json rows = json::array();
  for (const auto& node : view.finder.fixed())
    rows.push_back(
        {{"name", node->address},
         {"hits", figures_of(view, "", *node).requests},
         {"grace", node->shunned > view.now ? unix_time(node->shunned, view.now) : 0}});
  return rows;
}

json times_row(const wire::Histogram& histogram) {
  json classes = json::object();
  for (size_t i = 0; i < wire::Histogram::kClasses; ++i) {
    const bool last = i == wire::Histogram::kBounds.size();
    const std::string name = last ? "more" : std::to_string(wire::Histogram::kBounds[i]);
    if (histogram.classes()[i] != 0) classes[name] = histogram.classes()[i];
  }
  return {{"count", histogram.count()},
          {"sum_us", histogram.sum_us()},
          {"up_to_ms", std::move(classes)}};
}

json tally_row(const wire::Tally& tally) {
  json status = json::object();
  for (size_t i = 0; i < tally.status.size(); ++i)
    status[std::to_string(i + 1) + "xx"] = tally.status[i];
  json causes = json::object();
  for (size_t i = 0; i < wire::kCauses; ++i)
    if (tally.causes[i] != 0)
      causes[std::string(name_of(static_cast<wire::Cause>(i)))] = tally.causes[i];
  return {{"requests", tally.requests},      {"handed_over", tally.handed_over},
          {"relayed", tally.relayed},        {"refused", tally.refused},
          {"status", std::move(status)},     {"causes", std::move(causes)},
          {"received", tally.received},      {"sent", tally.sent},
          {"queue", times_row(tally.queue)}, {"first_byte", times_row(tally.first_byte)},
          {"total", times_row(tally.total)}};
}

}  // namespace

std::string stats_json(const StatsView& view) {
  std::error_code error;
  json page = {{"version", IMPERIUM_VERSION},
               {"pid", ::getpid()},
               {"uid", ::getuid()},
               {"gid", ::getgid()},
               {"cwd", std::filesystem::current_path(error).string()},
               {"active_sessions", view.figures.sessions},
               {"fastrouter", view.addresses}};
  if (!view.finder.fixed().empty()) page["static_nodes"] = static_rows(view);
  if (view.hears_subscriptions) page["subscriptions"] = subscription_rows(view);
  page["cheap"] = view.cheap ? 1 : 0;
  json hosts = json::object();
  for (const auto& [host, tally] : view.figures.hosts)
    hosts[host] = tally_row(tally);
  page["hosts"] = std::move(hosts);
  json vassals = json::object();
  for (const auto& [id, tally] : view.figures.vassals)
    vassals[std::to_string(id)] = tally_row(tally);
  page["vassals"] = std::move(vassals);
  return page.dump(1, '\t', false, json::error_handler_t::replace) + "\n";
}

std::string metrics_page(const wire::RouterFigures& figures) {
  std::string out =
      "# HELP imperium_router_sessions Requests under way.\n"
      "# TYPE imperium_router_sessions gauge\n"
      "imperium_router_sessions " +
      std::to_string(figures.sessions) + "\n";
  wire::append_metrics(&out, "host", figures.hosts);
  return out;
}

}  // namespace router
