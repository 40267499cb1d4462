// Gathering: the figures of all processes of one command line, for whichever of them is
// asked. The others are asked through whoever started them (router/crew.h).
#pragma once

#include <functional>
#include <map>

#include "base/uv/loop.h"
#include "base/wire/router_figures.h"

namespace router {

class Gathering {
 public:
  using Tell = std::function<void(const wire::Message&)>;
  Gathering(uvx::Loop& loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {}

  /// `own`, and what the others say within a moment; who says nothing is left out.
  uvx::Task<wire::RouterFigures> ask(wire::RouterFigures own);
  /// How many were asked, or one of their answers.
  void hear(const wire::Message& message);

 private:
  struct Question {
    explicit Question(uvx::Loop& loop) : timer(loop) {}
    uvx::Timer timer;
    bool told = false;  ///< how many there are
    uint64_t expected = 0;
    uint64_t answered = 0;
    wire::RouterFigures figures;
    bool over() const { return told && answered >= expected; }
  };

  uvx::Loop& loop_;
  Tell tell_;
  std::map<uint64_t, Question*> questions_;
  uint64_t last_ = 0;
};

}  // namespace router
