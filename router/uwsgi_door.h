// UwsgiDoor: connections from nginx, from accept to hand-over.
//
// Usually the whole head is there when the connection is accepted: then nothing waits and
// nothing is allocated (read, look up, hand over, close). Else it gets a second try one
// turn of the loop later, and only then a coroutine of its own.
#pragma once

#include <memory>
#include <vector>

#include "router/listener.h"
#include "router/services.h"

namespace router {

class UwsgiDoor : public Reception {
 public:
  /// `room`: whether the process may hold another descriptor.
  explicit UwsgiDoor(Services& services);

  void arrived(base::Fd connection, base::Instant when) override;
  void batch_ends() override;
  bool has_room() const override;

 private:
  struct Visitor {
    base::Fd connection;
    base::Instant arrived;
  };
  enum class Read { done, nothing_yet };
  /// One recv and, if the head is whole, everything that follows from it.
  Read try_serve(Visitor& visitor);
  uvx::Task<void> try_again();
  /// Reads on until the head is whole; `bytes` is what came so far.
  uvx::Task<void> read_patiently(Visitor visitor, std::string bytes);
  /// `request`: a whole head of `head_size` bytes, and the beginning of the body.
  void serve(Visitor& visitor, std::string_view request, size_t head_size);
  void hand_over(Visitor& visitor,
                 Vassal& vassal,
                 std::string_view request,
                 std::string_view host);
  /// `asked`: what is known of the request.
  void refuse(Visitor& visitor, const Refusal& refusal, Served asked);

  Services& services_;
  std::unique_ptr<char[]> buffer_;
  std::vector<Visitor> early_;  // accepted before their first byte came
  std::vector<Visitor> retrying_;
  bool trying_again_ = false;
};

}  // namespace router
