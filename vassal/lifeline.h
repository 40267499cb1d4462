// Lifeline: the vassal's end of its line to the emperor (wire/lifeline.h).
//
// Without an emperor (a vassal that runs alone) everything said is dropped and nothing is
// heard. The emperor may die and another take its place on the same line, so an end of
// the line is only noted: the vassal goes on serving.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/wire/message.h"

namespace vassal {

class Lifeline {
 public:
  explicit Lifeline(base::Fd fd) : fd_(std::move(fd)) {}

  /// What to wait on; -1 when there is nobody.
  int fd() const { return fd_.get(); }

  void hello();
  void ready();
  void failed(std::string_view reason);
  void draining();
  void worker_died(uint32_t worker_id, std::string_view reason);

  /// The next message, if one is there. Closes the line once the other end is gone.
  std::optional<wire::Message> receive();

 private:
  void send(const wire::Message& message);

  base::Fd fd_;
};

}  // namespace vassal
