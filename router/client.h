// Client: the client's side of one request: what its body looks like on its connection,
// and what the answer has to look like there. Decides only; Exchange moves the bytes.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "router/answer_reader.h"
#include "router/refusal.h"
#include "router/stream.h"

namespace router {

class Client {
 public:
  Client() = default;
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  virtual Stream& stream() = 0;

  /// What to say before the first byte of the body is waited for; empty: nothing.
  virtual std::string_view invitation() const = 0;
  /// No byte of the body is outstanding.
  virtual bool body_over() const = 0;
  /// Decodes bytes just received, in place: how many of the body stand at their front
  /// now.
  virtual std::expected<size_t, Refusal> take_body(std::span<char> bytes) = 0;
  /// What came behind the body, for a tunnel; it is forgotten here.
  virtual std::string take_leftover() { return {}; }

  /// The head of the answer as the client gets it, once all of it is known.
  virtual std::string head(const AnswerReader& answer) = 0;
  /// Frames `size` decoded bytes of the answer's body at `piece`, in place: there is
  /// Scratch::kBefore in front of them and Scratch::kAfter behind. `last`: nothing
  /// follows.
  virtual std::string_view frame(char* piece, size_t size, bool last) = 0;
};

}  // namespace router
