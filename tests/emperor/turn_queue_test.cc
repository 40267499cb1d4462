#include "emperor/turn_queue.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using Queue = emperor::TurnQueue<std::string>;

std::vector<Queue::Turn> begin_all(Queue& queue) {
  std::vector<Queue::Turn> begun;
  while (auto turn = queue.next())
    begun.push_back(*turn);
  return begun;
}

std::string text_of(const std::vector<Queue::Turn>& turns) {
  std::string text;
  for (const auto& turn : turns)
    text += turn.work + " ";
  return text;
}

}  // namespace

TEST_SUITE("emperor") {
  TEST_CASE("turn queue: who takes long keeps only himself waiting") {
    Queue queue(3);
    for (const char* work : {"a1", "a2", "a3"})
      queue.push(1, work);
    queue.push(2, "b1");
    const auto begun = begin_all(queue);
    CHECK(text_of(begun) == "a1 b1 ");
    queue.push(2, "b2");
    CHECK_FALSE(queue.next());
    queue.done(begun[1]);
    CHECK(text_of(begin_all(queue)) == "b2 ");
    queue.done(begun[0]);
    CHECK(text_of(begin_all(queue)) == "a2 ");
  }

  TEST_CASE("turn queue: no more at once than it may") {
    Queue queue(2);
    queue.push(1, "a");
    queue.push(2, "b");
    queue.push(3, "c");
    const auto begun = begin_all(queue);
    CHECK(text_of(begun) == "a b ");
    queue.done(begun[0]);
    CHECK(text_of(begin_all(queue)) == "c ");
  }

  TEST_CASE("turn queue: the same piece once, until it is done") {
    Queue queue(2);
    queue.push(1, "a");
    queue.push(1, "a");
    const auto begun = begin_all(queue);
    queue.push(1, "a");
    queue.done(begun.at(0));
    CHECK_FALSE(queue.next());
    queue.push(1, "a");
    CHECK(text_of(begin_all(queue)) == "a ");
  }
}
