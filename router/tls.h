// Tls: the router's certificates over time: taken over from whoever may read them, piece
// by piece, while connections go on.
#pragma once

#include <optional>

#include "base/log.h"
#include "base/uv/loop.h"
#include "base/uv/task_group.h"
#include "base/wire/certificates.h"
#include "router/tls_context.h"

namespace router {

/// Other processes of the same user (nobody's, often) must not read keys out of this one,
/// nor open its files. To be said before there are any: who is attached then stays so.
void hide_memory();

class Tls {
 public:
  /// What takes longer runs in `duties`, which ends before this.
  Tls(uvx::Loop& loop, base::Log& log, uvx::TaskGroup& duties, UnknownName unknown);

  const TlsContext& context() const { return context_; }
  /// The first ones are there when it returns; later ones soon after. The last ones win.
  void take(wire::Certificates certificates);
  /// The same from the emperor's memfd.
  void take(base::Fd memfd);
  /// For session tickets from now on; none if they are all zero.
  void take(const wire::TicketKeys& keys);

 private:
  uvx::Task<void> take_over();

  uvx::Loop& loop_;
  base::Log& log_;
  uvx::TaskGroup& duties_;
  TlsContext context_;
  std::optional<wire::Certificates> next_;
  bool any_ = false;
  bool taking_ = false;
};

}  // namespace router
