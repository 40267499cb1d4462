#include "emperor/metrics.h"

#include <array>
#include <functional>

#include <fmt/format.h>

namespace emperor {

namespace {

/// What one vassal's samples are made of, looked up once.
struct Figures {
  const Vassal& vassal;
  cgroups::Usage usage;
  ScoreboardView::Totals
      totals;  ///< of all its generations, those that are gone included
};

Figures figures_of(const Vassal& vassal) {
  Figures figures{vassal, {}, vassal.before};
  if (vassal.has_group) figures.usage = vassal.group.usage();
  for (const auto& [number, generation] : vassal.generations) {
    const auto now = generation->scoreboard.totals();
    add_counts(now, &figures.totals);
    figures.totals.workers += now.workers;
    figures.totals.busy += now.busy;
  }
  return figures;
}

struct Metric {
  const char* name;
  const char* type;
  const char* help;
  double (*value)(const Figures&);
};

template <class T>
constexpr double number(T value) {
  return static_cast<double>(value);
}

constexpr auto kMetrics = std::to_array<Metric>({
    {"imperium_vassal_requests_total", "counter", "Requests that its workers ended.",
     [](const Figures& f) {
       return number(f.totals.finished);
     }},
    {"imperium_vassal_response_bytes_total", "counter", "Bytes that its workers sent.",
     [](const Figures& f) {
       return number(f.totals.bytes);
     }},
    {"imperium_vassal_workers", "gauge", "Workers alive.",
     [](const Figures& f) {
       return number(f.totals.workers);
     }},
    {"imperium_vassal_workers_busy", "gauge", "Workers that hold a request.",
     [](const Figures& f) {
       return number(f.totals.busy);
     }},
    {"imperium_vassal_restarts_total", "counter", "Deaths and failed starts.",
     [](const Figures& f) {
       return number(f.vassal.life.restarts());
     }},
    {"imperium_vassal_oom_kills_total", "counter",
     "Processes killed by its own memory-max.",
     [](const Figures& f) {
       return number(std::max(f.usage.oom_kills, f.vassal.oom_kills));
     }},
    {"imperium_vassal_memory_bytes", "gauge", "Memory of its cgroup.",
     [](const Figures& f) {
       return number(f.usage.memory_bytes);
     }},
    {"imperium_vassal_processes", "gauge", "Processes in its cgroup.",
     [](const Figures& f) {
       return number(f.usage.pids);
     }},
    {"imperium_vassal_cpu_seconds_total", "counter", "CPU time of its cgroup.",
     [](const Figures& f) {
       return f.usage.cpu_seconds;
     }},
});

void append_head(std::string* out, const char* name, const char* type, const char* help) {
  fmt::format_to(std::back_inserter(*out), "# HELP {} {}\n# TYPE {} {}\n", name, help,
                 name, type);
}

void append_metric(std::string* out,
                   const Metric& metric,
                   const std::vector<Figures>& all) {
  append_head(out, metric.name, metric.type, metric.help);
  for (const Figures& figures : all)
    fmt::format_to(std::back_inserter(*out), "{}{{vassal=\"{}\"}} {}\n", metric.name,
                   escaped_label(figures.vassal.name), metric.value(figures));
}

void append_responses(std::string* out, const std::vector<Figures>& all) {
  constexpr const char* kName = "imperium_vassal_responses_total";
  append_head(out, kName, "counter", "Answers by class of their status.");
  for (const Figures& figures : all)
    for (int i = 0; i < 5; ++i)
      fmt::format_to(std::back_inserter(*out), "{}{{vassal=\"{}\",class=\"{}xx\"}} {}\n",
                     kName, escaped_label(figures.vassal.name), i + 1,
                     figures.totals.status[i]);
}

void append_states(std::string* out, const Roster& roster) {
  std::array<size_t, kStates> count{};
  for (const auto& [name, vassal] : roster.all())
    ++count[static_cast<size_t>(vassal->life.state())];
  append_head(out, "imperium_vassals", "gauge", "Vassals by state.");
  for (int i = 0; i < kStates; ++i)
    fmt::format_to(std::back_inserter(*out), "imperium_vassals{{state=\"{}\"}} {}\n",
                   name_of(static_cast<State>(i)), count[static_cast<size_t>(i)]);
}

/// What the routers know of vassals that are still there, and of hosts.
void append_routers(std::string* out,
                    const Roster& roster,
                    const wire::RouterFigures& routers) {
  append_head(out, "imperium_router_sessions", "gauge",
              "Requests under way in the routers.");
  fmt::format_to(std::back_inserter(*out), "imperium_router_sessions {}\n",
                 routers.sessions);
  append_head(out, "imperium_router_vassal_parked", "gauge",
              "Requests that wait in the routers for room on the vassal's channel.");
  wire::Tallies vassals;
  for (const auto& [name, vassal] : roster.all()) {
    const auto tally = routers.vassals.find(vassal->id);
    if (tally == routers.vassals.end()) continue;
    vassals.emplace(name, tally->second);
    const auto parked = routers.parked.find(vassal->id);
    fmt::format_to(
        std::back_inserter(*out), "imperium_router_vassal_parked{{vassal=\"{}\"}} {}\n",
        escaped_label(name), parked == routers.parked.end() ? 0 : parked->second);
  }
  wire::append_metrics(out, "vassal", vassals);
  wire::append_metrics(out, "host", routers.hosts);
}

}  // namespace

std::string metrics_text(const Roster& roster, const wire::RouterFigures& routers) {
  std::vector<Figures> all;
  all.reserve(roster.size());
  for (const auto& [name, vassal] : roster.all())
    all.push_back(figures_of(*vassal));
  std::string out;
  append_states(&out, roster);
  for (const Metric& metric : kMetrics)
    append_metric(&out, metric, all);
  append_responses(&out, all);
  append_routers(&out, roster, routers);
  return out;
}

}  // namespace emperor
