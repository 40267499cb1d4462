// HttpDoor: accepted HTTP/1.1 connections, each with a session of its own.
#pragma once

#include <unordered_set>

#include "router/http_session.h"
#include "router/listener.h"
#include "router/services.h"

namespace router {

class HttpDoor : public Reception {
 public:
  explicit HttpDoor(Services& services) : services_(services) {}

  void arrived(base::Fd connection, base::Instant when) override;
  bool has_room() const override {
    return services_.has_room() &&
           services_.capacity.has_room_for_http(services_.occupancy());
  }
  /// No session takes another request.
  void finish_soon();

 private:
  uvx::Task<void> host(base::Fd connection, base::Instant when);

  Services& services_;
  std::unordered_set<HttpSession*> sessions_;
  bool finishing_ = false;
};

}  // namespace router
