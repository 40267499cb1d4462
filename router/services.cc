#include "router/services.h"

#include "router/error_page_files.h"
#include "router/farewell.h"

namespace router {

std::expected<Vassal*, Refusal> Services::choose(std::string_view host,
                                                 uint64_t content_length) const {
  const auto id = routes.find(host);
  if (!id) return std::unexpected(refusals::kNoRoute);
  Vassal* vassal = vassals.find(*id);
  if (vassal == nullptr) return std::unexpected(refusals::kStopped);
  const uint64_t limit = vassal->limits().limit_post;
  if (limit != 0 && content_length > limit) return std::unexpected(refusals::kTooLarge);
  return vassal;
}

std::string Services::page(const Refusal& refusal,
                           std::string_view host,
                           PageBody body) const {
  const std::string* own =
      error_pages == nullptr ? nullptr : error_pages->pages().find(host, refusal.status);
  return own != nullptr ? answer_with(refusal, *own, body)
                        : error_page(refusal, host, body);
}

void Services::turn_away(base::Fd connection,
                         const Refusal& refusal,
                         std::string_view host) {
  const bool silent = options.errors == Options::Errors::close;
  sessions.spawn(say_farewell(loop, std::move(connection),
                              silent ? std::string() : page(refusal, host)));
}

wire::HandoffHeader Services::handoff_header(wire::HandoffKind kind,
                                             base::Instant arrived,
                                             const Vassal& vassal) {
  return {.kind = kind, .arrived = arrived, .deadline = give_up_at(vassal, arrived)};
}

}  // namespace router
