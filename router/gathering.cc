#include "router/gathering.h"

#include "base/wire/router_control.h"

namespace router {

namespace verbs = wire::router_control;

namespace {
constexpr base::Duration kPatience = std::chrono::milliseconds(500);
}  // namespace

uvx::Task<wire::RouterFigures> Gathering::ask(wire::RouterFigures own) {
  Question question(loop_);
  const uint64_t serial = ++last_;
  questions_[serial] = &question;
  wire::Message message{.verb = verbs::kAskFigures, .fields = {}};
  tell_(message.set("serial", serial));
  if (!question.over())
    static_cast<void>(co_await question.timer.sleep_until(base::Deadline::in(kPatience)));
  questions_.erase(serial);
  own.add(question.figures);
  co_return own;
}

void Gathering::hear(const wire::Message& message) {
  const auto serial = message.number("serial");
  const auto found = serial ? questions_.find(*serial) : questions_.end();
  if (found == questions_.end()) return;
  Question& question = *found->second;
  if (message.verb == verbs::kAsked) {
    question.told = true;
    question.expected = message.number("count").value_or(0);
  } else if (wire::hear(message, &question.figures) != wire::Heard::more) {
    ++question.answered;
  }
  if (question.over()) question.timer.cancel();
}

}  // namespace router
