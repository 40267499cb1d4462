// PeerCounts: how many connections each client has, so that none takes the room of all.
//
// A client is an IPv4 address or an IPv6 network of 64 bits, which one customer has for
// himself.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace router {

class PeerCounts {
 public:
  /// One connection of a client, until it is destroyed; `counts` must outlive it.
  class [[nodiscard]] Place {
   public:
    Place() = default;  ///< of somebody who is not counted
    Place(PeerCounts& counts, std::string client)
        : counts_(&counts), client_(std::move(client)) {}
    Place(Place&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)),
          client_(std::move(other.client_)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(client_, other.client_);
      return *this;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (counts_ != nullptr) counts_->leave(client_);
    }

   private:
    PeerCounts* counts_ = nullptr;
    std::string client_;
  };

  /// A place for one more connection from a numeric address; nothing if it has `most`
  /// already.
  std::optional<Place> enter(const std::string& address, size_t most);
  size_t clients() const { return counts_.size(); }

 private:
  void leave(const std::string& client);

  std::unordered_map<std::string, size_t> counts_;
};

/// What is counted as one client: the address's own 4 bytes, or the first 8 of 16.
std::string client_of(const std::string& address);

/// 127.0.0.0/8 and ::1: this machine's own programs.
bool is_loopback(const std::string& address);

}  // namespace router
