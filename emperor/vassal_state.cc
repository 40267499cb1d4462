#include "emperor/vassal_state.h"

#include <array>

namespace emperor {

namespace {

using enum State;
using A = Action;

// Rows are states, columns are events in the order of the enum. A file that breaks leaves
// whatever runs alone; a stopped vassal stays stopped until the operator starts it.
constexpr std::array<std::array<Step, kEvents>, kStates> kTable = {{
    // starting: no current generation, the next one is queued or loads its application
    {{
        /* changed      */ {starting, A::drop_next, A::forgive, A::start},
        /* changed_lazy */ {starting, A::drop_next, A::forgive, A::start},
        /* broken       */ {starting},
        /* removed      */ {draining, A::drop_next},
        /* start        */ {starting},
        /* stop         */ {draining, A::drop_next},
        /* reload       */ {starting, A::drop_next, A::forgive, A::start},
        /* up           */ {ready, A::promote},
        /* failed       */ {backoff, A::drop_next, A::arm},
        /* died         */ {starting},
        /* left         */ {starting},
        /* gone         */ {starting},
        /* due          */ {starting},
        /* due_lazy     */ {starting},
        /* idle         */ {starting},
        /* request      */ {starting},
    }},
    // ready: the current generation serves
    {{
        /* changed      */ {reloading, A::forgive, A::start},
        /* changed_lazy */ {reloading, A::forgive, A::start},
        /* broken       */ {ready},
        /* removed      */ {draining, A::drain_current},
        /* start        */ {ready},
        /* stop         */ {draining, A::drain_current},
        /* reload       */ {reloading, A::forgive, A::start},
        /* up           */ {ready},
        /* failed       */ {ready},
        /* died         */ {backoff, A::arm},
        /* left         */ {backoff, A::arm_rest},
        /* gone         */ {ready},
        /* due          */ {ready},
        /* due_lazy     */ {ready},
        /* idle         */ {asleep, A::drain_current},
        /* request      */ {ready},
    }},
    // asleep: nothing runs, its sockets and routes stay
    {{
        /* changed      */ {starting, A::forgive, A::start},
        /* changed_lazy */ {asleep, A::forgive},
        /* broken       */ {asleep},
        /* removed      */ {draining},
        /* start        */ {starting, A::forgive, A::start},
        /* stop         */ {draining},
        /* reload       */ {asleep, A::forgive},
        /* up           */ {asleep},
        /* failed       */ {asleep},
        /* died         */ {asleep},
        /* left         */ {asleep},
        /* gone         */ {asleep},
        /* due          */ {asleep},
        /* due_lazy     */ {asleep},
        /* idle         */ {asleep},
        /* request      */ {starting, A::start},
    }},
    // reloading: the current generation serves, the next one loads
    {{
        /* changed      */ {reloading, A::drop_next, A::start},
        /* changed_lazy */ {reloading, A::drop_next, A::start},
        /* broken       */ {reloading},
        /* removed      */ {draining, A::drop_next, A::drain_current},
        /* start        */ {reloading},
        /* stop         */ {draining, A::drop_next, A::drain_current},
        /* reload       */ {reloading, A::drop_next, A::start},
        /* up           */ {ready, A::promote},
        /* failed       */ {ready, A::drop_next},
        /* died         */ {starting},
        /* left         */ {starting},
        /* gone         */ {reloading},
        /* due          */ {reloading},
        /* due_lazy     */ {reloading},
        /* idle         */ {reloading},
        /* request      */ {reloading},
    }},
    // draining: removed or stopped, what is left of it finishes
    {{
        /* changed      */ {starting, A::forgive, A::start},
        /* changed_lazy */ {asleep, A::forgive},
        /* broken       */ {draining},
        /* removed      */ {draining},
        /* start        */ {starting, A::forgive, A::start},
        /* stop         */ {draining},
        /* reload       */ {starting, A::forgive, A::start},
        /* up           */ {draining},
        /* failed       */ {draining},
        /* died         */ {draining},
        /* left         */ {draining},
        /* gone         */ {stopped},
        /* due          */ {draining},
        /* due_lazy     */ {draining},
        /* idle         */ {draining},
        /* request      */ {draining},
    }},
    // backoff: it failed, and waits before it is tried again
    {{
        /* changed      */ {starting, A::forgive, A::start},
        /* changed_lazy */ {asleep, A::forgive},
        /* broken       */ {rejected},
        /* removed      */ {draining},
        /* start        */ {starting, A::forgive, A::start},
        /* stop         */ {draining},
        /* reload       */ {starting, A::forgive, A::start},
        /* up           */ {backoff},
        /* failed       */ {backoff},
        /* died         */ {backoff},
        /* left         */ {backoff},
        /* gone         */ {backoff},
        /* due          */ {starting, A::start},
        /* due_lazy     */ {asleep},
        /* idle         */ {backoff},
        /* request      */ {backoff},
    }},
    // rejected: its file cannot be used and nothing of it runs
    {{
        /* changed      */ {starting, A::forgive, A::start},
        /* changed_lazy */ {asleep, A::forgive},
        /* broken       */ {rejected},
        /* removed      */ {draining},
        /* start        */ {rejected},
        /* stop         */ {draining},
        /* reload       */ {rejected},
        /* up           */ {rejected},
        /* failed       */ {rejected},
        /* died         */ {rejected},
        /* left         */ {rejected},
        /* gone         */ {rejected},
        /* due          */ {rejected},
        /* due_lazy     */ {rejected},
        /* idle         */ {rejected},
        /* request      */ {rejected},
    }},
    // stopped: by the operator, or about to be forgotten
    {{
        /* changed      */ {stopped},
        /* changed_lazy */ {stopped},
        /* broken       */ {stopped},
        /* removed      */ {stopped},
        /* start        */ {starting, A::forgive, A::start},
        /* stop         */ {stopped},
        /* reload       */ {stopped},
        /* up           */ {stopped},
        /* failed       */ {stopped},
        /* died         */ {stopped},
        /* left         */ {stopped},
        /* gone         */ {stopped},
        /* due          */ {stopped},
        /* due_lazy     */ {stopped},
        /* idle         */ {stopped},
        /* request      */ {stopped},
    }},
}};

constexpr std::array<std::string_view, kStates> kStateNames = {
    "starting", "ready",   "asleep",   "reloading",
    "draining", "backoff", "rejected", "stopped"};
constexpr std::array<std::string_view, kEvents> kEventNames = {
    "changed", "changed-lazy", "broken", "removed", "start", "stop",
    "reload",  "up",           "failed", "died",    "left",  "gone",
    "due",     "due-lazy",     "idle",   "request"};

}  // namespace

const Step& step(State state, Event event) {
  return kTable[static_cast<size_t>(state)][static_cast<size_t>(event)];
}

std::string_view name_of(State state) {
  return kStateNames[static_cast<size_t>(state)];
}
std::string_view name_of(Event event) {
  return kEventNames[static_cast<size_t>(event)];
}

}  // namespace emperor
