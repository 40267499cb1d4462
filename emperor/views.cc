#include "emperor/views.h"

#include <unistd.h>

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

namespace emperor {

namespace {

using nlohmann::json;

std::string text(const json& j) {
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

const Generation* shown_generation(const Vassal& v) {
  const auto found = v.generations.find(v.life.generation());
  return found == v.generations.end() ? nullptr : found->second.get();
}

uint64_t requests_of(const Vassal& v) {
  uint64_t sum = v.before.finished;
  for (const auto& [number, generation] : v.generations)
    sum += generation->scoreboard.totals().finished;
  return sum;
}

json domains_of(const Vassal& v, const Claims& claims) {
  json domains = json::array();
  if (!v.configuration) return domains;
  for (const auto& host : v.configuration->config.domains)
    if (claims.holder(host) == v.name) domains.push_back(host);
  return domains;
}

/// The vassal's own trouble first, then hosts that somebody else holds.
std::string error_of(const Vassal& v, const Claims& claims) {
  if (!v.last_error.empty()) return v.last_error;
  for (const auto& domain : v.refused_domains)
    return "domain " + domain.host + " is refused: " + domain.reason;
  for (const auto& refusal : claims.refused(v.name))
    return "domain " + refusal.host + " is held by vassal " + refusal.holder + " (" +
           refusal.holder_file + ")";
  return {};
}

json row(const Vassal& v, const Claims& claims) {
  const Generation* g = shown_generation(v);
  const vassal::VassalConfig* config =
      v.configuration ? &v.configuration->config : nullptr;
  const auto usage = v.group.usage();
  const auto totals = g != nullptr ? g->scoreboard.totals() : ScoreboardView::Totals{};
  json j;
  j["name"] = v.name;
  j["file"] = v.path;
  j["state"] = name_of(v.life.state());
  j["generation"] = v.life.generation();
  j["pid"] =
      g != nullptr && g->pidfd && !g->exited ? json(g->pidfd.pid()) : json(nullptr);
  j["uid"] = config == nullptr ? json(nullptr) : json(config->uid.value_or(::geteuid()));
  j["gid"] = config == nullptr ? json(nullptr) : json(config->gid.value_or(::getegid()));
  j["domains"] = domains_of(v, claims);
  j["requests"] = requests_of(v);
  j["restarts"] = v.life.restarts();
  j["last_error"] = error_of(v, claims);
  j["cgroup"] = v.group.text();
  j["memory_bytes"] = usage.memory_bytes;
  j["cpu_seconds"] = usage.cpu_seconds;
  j["oom_kills"] = std::max(usage.oom_kills, v.oom_kills);
  j["workers"] = totals.workers;
  return j;
}

json generation_row(const Generation& g) {
  const auto totals = g.scoreboard.totals();
  return {{"generation", g.number},
          {"pid", g.pidfd ? json(g.pidfd.pid()) : json(nullptr)},
          {"ready", g.ready},
          {"leaving", g.over},
          {"cgroup", g.leaf.text()},
          {"workers", totals.workers},
          {"busy", totals.busy},
          {"requests", totals.finished},
          {"bytes", totals.bytes},
          {"worker_respawns", totals.respawns},
          {"status",
           {{"1xx", totals.status[0]},
            {"2xx", totals.status[1]},
            {"3xx", totals.status[2]},
            {"4xx", totals.status[3]},
            {"5xx", totals.status[4]}}},
          {"uptime_seconds",
           std::chrono::duration<double>(base::Clock::now() - g.began).count()}};
}

std::string utc(int64_t epoch_seconds) {
  const auto at = static_cast<time_t>(epoch_seconds);
  tm parts{};
  ::gmtime_r(&at, &parts);
  std::array<char, 32> text;
  return {text.data(),
          std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

json death_row(const Death& death) {
  json lines = json::array();
  for (std::string_view rest = death.log; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {{"at", utc(death.at)},
          {"generation", death.generation},
          {"kind", name_of(death.kind)},
          {"reason", death.reason},
          {"log", std::move(lines)}};
}

}  // namespace

std::string list_json(const Roster& roster, const Claims& claims) {
  json list = json::array();
  for (const auto& [name, vassal] : roster.all())
    list.push_back(row(*vassal, claims));
  return text(list);
}

std::string show_json(const Vassal& v, const Claims& claims) {
  json j = row(v, claims);
  j["generations"] = json::array();
  for (const auto& [number, generation] : v.generations)
    j["generations"].push_back(generation_row(*generation));
  j["deaths"] = json::array();
  for (const auto& death : v.history.deaths())
    j["deaths"].push_back(death_row(death));
  j["failures_in_a_row"] = v.life.failures();
  j["sockets"] = json::array();
  for (const auto& [address, fd] : v.sockets)
    j["sockets"].push_back(address);
  j["refused_domains"] = json::array();
  for (const auto& refusal : claims.refused(v.name))
    j["refused_domains"].push_back({{"host", refusal.host},
                                    {"held_by", refusal.holder},
                                    {"file", refusal.holder_file},
                                    {"reason", "it is held by vassal " + refusal.holder +
                                                   " (" + refusal.holder_file + ")"}});
  for (const auto& domain : v.refused_domains)
    j["refused_domains"].push_back({{"host", domain.host}, {"reason", domain.reason}});
  j["warnings"] = json::array();
  if (v.configuration)
    for (const auto& diagnostic : v.configuration->diagnostics)
      j["warnings"].push_back(diagnostic.message());
  if (v.life.state() == State::backoff)
    j["next_try_seconds"] =
        std::chrono::duration<double>(v.life.due_at() - base::Clock::now()).count();
  return text(j);
}

std::string routes_json(Roster& roster, const Claims& claims) {
  json list = json::array();
  for (const auto& [host, holder] : claims.held()) {
    const Vassal* vassal = roster.find(holder);
    if (vassal == nullptr) continue;
    list.push_back(
        {{"host", host}, {"vassal", holder}, {"state", name_of(vassal->life.state())}});
  }
  return text(list);
}

std::string explained_json(const std::vector<vassal::Explained>& values) {
  json list = json::array();
  for (const auto& v : values)
    list.push_back({{"key", v.key},
                    {"value", v.value},
                    {"origin", v.origin},
                    {"layer", v.layer},
                    {"treatment", v.treatment},
                    {"overridden", v.overridden}});
  return text(list);
}

std::string pair_json(const std::string& key, const std::string& value) {
  return text(json{{key, value}});
}
std::string pair_json(const std::string& key, uint64_t value) {
  return text(json{{key, value}});
}

std::string status_json(size_t vassals, pid_t keeper) {
  return text(json{{"pid", ::getpid()},
                   {"keeper", keeper},
                   {"version", IMPERIUM_VERSION},
                   {"vassals", vassals}});
}

std::string claims_json(const Claims& claims) {
  json list = json::array();
  for (const auto& [host, line] : claims.all())
    for (const auto& claimant : line)
      list.push_back({{"host", host},
                      {"vassal", claimant.vassal},
                      {"file", claimant.file},
                      {"since", claimant.since}});
  return text(list);
}

size_t restore_claims(const std::string& saved, Claims* claims) {
  const auto list = json::parse(saved, nullptr, false);
  if (!list.is_array()) return 1;
  size_t refused = 0;
  const auto word = [](const json& entry, const char* key) {
    const auto found = entry.find(key);
    return found != entry.end() && found->is_string() ? found->get<std::string>()
                                                      : std::string();
  };
  for (const auto& entry : list) {
    const bool object = entry.is_object();
    const std::string host = object ? word(entry, "host") : "";
    const std::string vassal = object ? word(entry, "vassal") : "";
    if (host.empty() || vassal.empty()) {
      ++refused;
      continue;
    }
    const auto since = entry.find("since");
    const bool dated = since != entry.end() && since->is_number_integer();
    claims->restore(host,
                    {vassal, word(entry, "file"), dated ? since->get<int64_t>() : 0});
  }
  return refused;
}

}  // namespace emperor
