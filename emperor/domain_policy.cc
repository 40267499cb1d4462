#include "emperor/domain_policy.h"

#include <algorithm>
#include <span>

#include <fmt/core.h>

#include "base/log.h"
#include "base/values.h"
#include "base/wire/host_name.h"
#include "base/wire/host_pattern.h"

namespace emperor {

namespace {

constexpr std::string_view kSpace = " \t\r";

std::vector<std::string_view> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  for (size_t at; (at = line.find_first_not_of(kSpace)) != line.npos;) {
    line.remove_prefix(at);
    const size_t end = std::min(line.find_first_of(kSpace), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

bool any_covers(const std::vector<std::string>& patterns, std::string_view host) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return wire::covers(pattern, host); });
}

/// "alice/shop.example.com" is named after shop.example.com.
std::optional<std::string> host_of_name(std::string_view name) {
  if (const size_t slash = name.rfind('/'); slash != name.npos)
    name.remove_prefix(slash + 1);
  auto host = wire::normalise_domain(name);
  return host && host->find('*') == host->npos ? host : std::nullopt;
}

/// "*", and "*.com": everything that nobody else has.
bool takes_everything(std::string_view host) {
  return host == "*" || (host.starts_with("*.") && host.find('.', 2) == host.npos);
}

std::optional<std::string> refuse_by_name(const Claimer& claimer, std::string_view host) {
  if (!claimer.name_counts)
    return "its file stands where others than the operator can put one, so that its name "
           "proves nothing (domains = filename): list its uid";
  const auto own = host_of_name(claimer.name);
  if (own && (wire::covers(*own, host) || wire::covers("*." + *own, host)))
    return std::nullopt;
  return fmt::format(
      "it is neither the host that the file is named after nor below it, and not listed "
      "for it (domains = filename)");
}

}  // namespace

std::optional<DomainRule> parse_domain_rule(std::string_view word) {
  if (word == "any") return DomainRule::any;
  if (word == "filename") return DomainRule::filename;
  if (word == "policy") return DomainRule::policy;
  return std::nullopt;
}

base::Result<DomainList::Patterns*> DomainList::patterns_of(std::string_view who,
                                                            const FindUser& find_user) {
  if (who == "*") return &for_all_;
  if (who.starts_with("uid:")) {
    const auto uid = base::parse_unsigned(who.substr(4));
    if (!uid || *uid >= UINT32_MAX)
      return base::fail(base::printable(who) + " is no uid");
    return &by_uid_[static_cast<uid_t>(*uid)];
  }
  if (who.starts_with("user:")) {
    TRY_ASSIGN(const uid_t uid, find_user(std::string(who.substr(5))));
    return &by_uid_[uid];
  }
  return &by_name_[std::string(who)];
}

base::Result<DomainList> DomainList::parse(std::string_view text,
                                           const FindUser& find_user) {
  DomainList out;
  size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const auto words = words_of(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (words.empty()) continue;
    const auto patterns = out.patterns_of(words.front(), find_user);
    if (!patterns) return base::wrap(patterns.error(), fmt::format("line {}", number));
    for (const auto word : std::span(words).subspan(1)) {
      auto pattern = wire::normalise_domain(word);
      if (!pattern)
        return base::fail(
            fmt::format("line {}: '{}' is neither a host name nor a *.wildcard", number,
                        base::printable(word)));
      (*patterns)->push_back(*std::move(pattern));
    }
  }
  return out;
}

bool DomainList::allows(const Claimer& claimer, std::string_view host) const {
  if (any_covers(for_all_, host)) return true;
  if (claimer.uid)
    if (const auto found = by_uid_.find(*claimer.uid);
        found != by_uid_.end() && any_covers(found->second, host))
      return true;
  if (!claimer.name_counts) return false;
  const auto found = by_name_.find(claimer.name);
  return found != by_name_.end() && any_covers(found->second, host);
}

std::optional<std::string> DomainPolicy::refuse(const Claimer& claimer,
                                                std::string_view host) const {
  if (list.allows(claimer, host)) return std::nullopt;
  switch (rule) {
    case DomainRule::any:
      if (claimer.tenant && takes_everything(host))
        return "a tenant may claim what belongs to nobody else only if that is listed "
               "for him";
      return std::nullopt;
    case DomainRule::filename:
      return refuse_by_name(claimer, host);
    case DomainRule::policy:
      return "it is not listed for this vassal or its uid (domains = policy)";
  }
  return std::nullopt;
}

}  // namespace emperor
