// RequestWriter: one request, given as a uwsgi packet and a decoded body, in the protocol
// of the backend that serves it. Pure.
//
//   head() once, then frame() or body() for every piece of the body, then end(): also
//   for a request without a body. What head() refused is not sent.
//
// A packet is foreign: nothing in it becomes a second field, a second variable or a
// second request. For http, hop-by-hop fields are left out and X-Forwarded-For and
// X-Forwarded-Proto are said; the connection stays open unless the backend closes it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "router/protocol.h"
#include "router/refusal.h"

namespace router {

/// How the end of the request's body is known. It goes before what the packet says.
enum class BodyEnd : uint8_t {
  none,     ///< there is no body
  length,   ///< as many bytes as `length` says
  unknown,  ///< the client sends chunks
};

struct RequestShape {
  BodyEnd body_end = BodyEnd::none;
  uint64_t length = 0;
  /// The upgrade that HTTP_UPGRADE names is passed on; what follows the head is not
  /// framed (http, uwsgi). Nothing may follow before the backend answered 101: it would
  /// be the next request of one that does not know the upgrade.
  bool upgrade = false;
};

/// A variable that the route fixes: it replaces what the front sent under this name.
struct Param {
  std::string name;
  std::string value;
};

/// "NAME=value"; nothing without a name.
std::optional<Param> parse_param(std::string_view text);

class RequestWriter {
 public:
  /// The modifiers are of uwsgi. `params` are for uwsgi, fastcgi and scgi, and must stay.
  explicit RequestWriter(Protocol protocol,
                         uint8_t modifier1 = 0,
                         uint8_t modifier2 = 0,
                         std::span<const Param> params = {});

  /// Whether a backend of this protocol takes a body of unknown length. To the others
  /// (uwsgi, scgi: head() refuses with 411; fastcgi: programs read CONTENT_LENGTH and see
  /// no body) it should be given whole, with its length.
  static bool takes_unknown_length(Protocol protocol) {
    return protocol == Protocol::http;
  }

  /// `packet`: header and block, nothing more. Appends the backend's head to `out`; a
  /// refusal if it cannot be said (then `out` is as before).
  std::optional<Refusal> head(std::string_view packet,
                              const RequestShape& shape,
                              std::string& out);

  /// Instead of head(), for uwsgi: the head went with the hand-over. The body follows as
  /// it is, whatever its length.
  void head_went_ahead(bool upgrade) {
    shape_ = {.body_end = BodyEnd::unknown, .upgrade = upgrade};
  }

  /// What goes around a piece of `size` bytes, so that it is sent without a copy. Of a
  /// longer piece, and of bytes past the length, only `taken` bytes from its front belong
  /// to the frame.
  struct Frame {
    size_t taken = 0;
    std::array<char, 8> prefix_bytes{};
    uint8_t prefix_size = 0;
    std::string_view suffix;  ///< at most kMaxSuffix bytes, of static life

    std::string_view prefix() const { return {prefix_bytes.data(), prefix_size}; }
  };
  static constexpr size_t kMaxPiece = 65528;
  static constexpr size_t kMaxPrefix = 8;
  static constexpr size_t kMaxSuffix = 7;
  Frame frame(size_t size);

  /// The same for a piece of any size, copied to `out`. Gives how many bytes of it belong
  /// to the body: those past the length are left out.
  size_t body(std::string_view piece, std::string& out);
  /// No more of the body comes.
  void end(std::string& out);

  /// All bytes of the length that the head promised were framed. If not, the backend's
  /// connection can only be closed.
  bool body_is_whole() const { return shape_.body_end != BodyEnd::length || left_ == 0; }
  /// Whether shutdown(SHUT_WR) says the end of the body. Otherwise it must not be done:
  /// the backend would take it for the end of the connection.
  bool half_closes() const;

 private:
  bool tunnels() const;
  std::optional<Refusal> uwsgi_head(std::string_view packet, std::string& out) const;
  std::optional<Refusal> fastcgi_head(std::string_view block, std::string& out) const;
  std::optional<Refusal> scgi_head(std::string_view block, std::string& out) const;

  Protocol protocol_;
  uint8_t modifier1_;
  uint8_t modifier2_;
  std::span<const Param> params_;
  RequestShape shape_;
  uint64_t left_ = 0;  // of the length
};

}  // namespace router
