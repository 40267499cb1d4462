// The life of a vassal as one table: states x events -> next state and actions.
//
// Pure. A vassal has at most one generation that serves (the current one), one that is
// being started (the next one), and any number that drain. Signals, exits, timers and
// edits arrive in any order; every pair of state and event has a row here, and life.h
// carries the actions out.
#pragma once

#include <cstdint>
#include <string_view>

#include <initializer_list>

namespace emperor {

enum class State : uint8_t {
  starting,
  ready,
  asleep,
  reloading,
  draining,
  backoff,
  rejected,
  stopped
};
inline constexpr int kStates = 8;

enum class Event : uint8_t {
  changed,       ///< a good configuration that differs from the last one
  changed_lazy,  ///< the same, of a vassal that starts when somebody asks for it
  broken,        ///< the file cannot be used (any more)
  removed,       ///< the file is gone
  start,         ///< the operator wants it to run
  stop,          ///< the operator wants it not to run
  reload,        ///< the operator wants a fresh generation
  up,            ///< the next generation is ready
  failed,        ///< the next generation ended, gave up or took too long
  died,          ///< the current generation ended
  left,          ///< the current generation ended of its own will (exit 0)
  gone,          ///< nothing of it runs any more
  due,           ///< the wait of the backoff is over
  due_lazy,      ///< the same, of a vassal that nobody needs until he asks for it
  idle,          ///< no request for long enough
  request,       ///< somebody knocks while it sleeps
};
inline constexpr int kEvents = 16;

enum class Action : uint8_t {
  none,
  start,          ///< begin a next generation
  drop_next,      ///< kill the next generation
  promote,        ///< the next one is the current one; what was current drains
  drain_current,  ///< the current one finishes its requests and goes
  arm,            ///< count a failure and wait
  arm_rest,       ///< the same, and then it rests until somebody asks for it
  forgive,        ///< forget earlier failures
};

struct Step {
  State next;
  Action first = Action::none;
  Action second = Action::none;
  Action third = Action::none;
};

/// What happens to a vassal in `state` on `event`.
const Step& step(State state, Event event);

std::string_view name_of(State state);
std::string_view name_of(Event event);

}  // namespace emperor
