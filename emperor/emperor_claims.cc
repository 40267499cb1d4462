// The emperor's claims: who may have which host, who has it, and what is told about it.
#include <sys/stat.h>

#include <algorithm>

#include "base/files.h"
#include "emperor/emperor.h"
#include "emperor/trust.h"
#include "emperor/views.h"
#include "vassal/ids.h"

namespace emperor {

using namespace std::chrono_literals;

namespace {

constexpr size_t kMostList = 64 << 20;

FileIdentity identity_of(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return {};
  const auto ns = [](const timespec& t) {
    return t.tv_sec * 1'000'000'000 + t.tv_nsec;
  };
  return {s.st_dev, s.st_ino, s.st_size, ns(s.st_mtim), ns(s.st_ctim)};
}

}  // namespace

// ---- who may claim
// -----------------------------------------------------------------------------

/// What an earlier emperor decided stands.
void Emperor::load_claims() {
  if (const auto saved = base::read_file(options_.run_dir + "/claims.json", kMostList))
    if (const size_t refused = restore_claims(*saved, &claims_); refused > 0)
      log_.error("emperor: {}/claims.json: what is no claim is left out entries={}",
                 options_.run_dir, refused);
  if (options_.tyrant && options_.domains == "any")
    log_.warn(
        "emperor: every tenant may claim any free host: set domains = policy or "
        "filename");
}

base::Result<> Emperor::read_domain_list() {
  domain_policy_.rule = parse_domain_rule(options_.domains).value_or(DomainRule::any);
  if (options_.domains_list.empty()) return {};
  domain_list_identity_ = identity_of(options_.domains_list);
  auto text = base::read_file(options_.domains_list, kMostList);
  if (!text) return base::wrap(text.error(), "domains-list");
  auto list = DomainList::parse(*text, vassal::user_id);
  if (!list) return base::wrap(list.error(), "domains-list " + options_.domains_list);
  domain_policy_.list = *std::move(list);
  return {};
}

/// A list that cannot be used changes nothing: hosts are not lost by a slip of the pen.
void Emperor::reread_domain_list() {
  if (stopping_ || options_.domains_list.empty()) return;
  if (identity_of(options_.domains_list) == domain_list_identity_) return;
  if (auto read = read_domain_list(); !read)
    return log_.error("emperor: the list before stays: {}", read.error().message());
  log_.info("emperor: read domains-list={} entries={}", options_.domains_list,
            domain_policy_.list.size());
  settle_all_claims();
}

/// Without tyrant mode only the operator can put files there, or he said that he trusts
/// whoever can.
bool Emperor::name_counts(const std::string& path) const {
  if (!options_.tyrant) return true;
  const auto directory = directory_of(path);
  return directory && !distrust_place(*directory, ::geteuid()) &&
         base::loose_directory(directory->path, ::geteuid()).empty();
}

Claimer Emperor::claimer(const Vassal& vassal) const {
  const auto known = roster_.files.find(vassal.path);
  Claimer claimer;
  claimer.name = known == roster_.files.end() ? vassal.name : known->second.name;
  claimer.name_counts = vassal.name_counts;
  claimer.tenant = options_.tyrant;
  return claimer;
}

// ---- who has
// -----------------------------------------------------------------------------------

/// Claims are those of the serving configuration and of the one on its way; of the newest
/// if nothing runs. What is not allowed is no claim.
void Emperor::settle_claims(Vassal& vassal) {
  if (stopping_) return;
  if (vassal.life.removed()) return pass_on(claims_.drop(vassal.name));
  if (!vassal.configuration) return;
  std::vector<std::string> hosts;
  std::vector<RefusedDomain> refused;
  Claimer who = claimer(vassal);
  const auto add = [&](const Configuration& configuration) {
    who.uid = configuration.config.uid.value_or(::geteuid());
    for (const auto& host : configuration.config.domains) {
      if (std::ranges::find(hosts, host) != hosts.end()) continue;
      if (auto why = domain_policy_.refuse(who, host))
        refused.push_back({host, *std::move(why)});
      else
        hosts.push_back(host);
    }
  };
  if (const auto current = vassal.life.current()) {
    const auto found = vassal.generations.find(*current);
    if (found != vassal.generations.end()) add(*found->second->configuration);
  }
  const bool reloading = vassal.life.state() == State::reloading;
  if (!vassal.life.current() || reloading) add(*vassal.configuration);
  tell_refused(vassal, std::move(refused));
  claims_.set_time(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  pass_on(claims_.set(vassal.name, vassal.path, hosts));
}

/// Each once, however often the vassal starts.
void Emperor::tell_refused(Vassal& vassal, std::vector<RefusedDomain> refused) {
  for (const auto& domain : refused)
    if (std::ranges::find(vassal.refused_domains, domain) == vassal.refused_domains.end())
      log_.warn("vassal {}: domain {} is refused: {}", vassal.name, domain.host,
                domain.reason);
  vassal.refused_domains = std::move(refused);
}

void Emperor::settle_all_claims() {
  for (const auto& [name, vassal] : roster_.all())
    settle_claims(*vassal);
}

/// Once every file was read after a start: who is not here any more holds nothing.
void Emperor::purge_claims() {
  std::vector<std::string> absent;
  for (const auto& [host, line] : claims_.all())
    for (const auto& claimant : line)
      if (roster_.find(claimant.vassal) == nullptr) absent.push_back(claimant.vassal);
  for (const auto& name : absent)
    pass_on(claims_.drop(name));
}

void Emperor::pass_on(const std::vector<HostChange>& changes) {
  for (const auto& change : changes) {
    router_.route_changed(change.host);
    log_.info("route {}: vassal={}", change.host,
              change.holder.empty() ? "none" : change.holder);
  }
  if (changes.empty() || claims_dirty_) return;
  claims_dirty_ = true;
  set_alarm(base::Clock::now() + 200ms, {Alarm::Kind::claims, {}});
}

void Emperor::save_claims() {
  claims_dirty_ = false;
  if (auto saved =
          base::write_file(options_.run_dir + "/claims.json", claims_json(claims_), 0600);
      !saved)
    log_.error("emperor: claims are not saved: {}", saved.error().message());
}

}  // namespace emperor
