// An answer read whole and read in pieces of any size is the same; what it says is fit to
// be said to a client.
#include <string>

#include "router/answer_reader.h"
#include "router/http_field.h"
#include "tests/fuzz/invariant.h"

namespace {

using router::AnswerReader;
using State = AnswerReader::State;

/// What the first byte of an input says.
struct Question {
  router::Protocol protocol;
  router::AnswerTo to;
  bool ends;
};

struct Outcome {
  State state;
  bool reusable;
  int status;
  std::string head;
  std::string body;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void check(const AnswerReader& reader, const Question& question, const Outcome& outcome) {
  if (reader.state() == State::broken) {
    invariant(!reader.fault().empty(), "what is broken has a name");
    invariant(!reader.reusable(), "what is broken is not used again");
    return;
  }
  if (reader.state() == State::head) return;
  invariant(reader.status() >= 200 || reader.state() == State::upgraded,
            "interim answers are skipped");
  invariant(reader.state() != State::upgraded || question.to.upgrade,
            "no upgrade without a request");
  for (const auto& field : reader.fields()) {
    invariant(router::is_token(field.name), "names are tokens");
    invariant(router::is_field_value(field.value), "values stay on their line");
    invariant(!router::same_name(field.name, "Transfer-Encoding"), "the body is decoded");
  }
  if (!reader.has_body() && reader.state() != State::upgraded)
    invariant(outcome.body.empty(), "no body where none can be");
  if (!reader.has_body() || !reader.content_length()) return;
  invariant(outcome.body.size() <= *reader.content_length(), "no more than was said");
  if (reader.state() == State::complete)
    invariant(outcome.body.size() == *reader.content_length(), "no less than was said");
}

Outcome read(const Question& question, std::string_view bytes, size_t step) {
  AnswerReader reader(question.protocol, question.to);
  std::string body;
  while (!bytes.empty()) {
    std::string piece(bytes.substr(0, step));
    const size_t size = reader.feed(piece);
    invariant(size <= piece.size(), "nothing is made up");
    body += piece.substr(0, size);
    bytes.remove_prefix(piece.size());
  }
  if (question.ends) reader.end_of_stream();
  Outcome outcome{reader.state(), reader.reusable(), 0, {}, body};
  check(reader, question, outcome);
  if (outcome.state == State::broken) return outcome;
  outcome.status = reader.status();
  outcome.head = reader.reason();
  for (const auto& field : reader.fields())
    outcome.head += "|" + std::string(field.name) + "=" + std::string(field.value);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 4096) return 0;
  const Question question{static_cast<router::Protocol>(data[0] & 3U),
                          {.head = (data[0] & 4U) != 0, .upgrade = (data[0] & 8U) != 0},
                          (data[0] & 16U) != 0};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = read(question, bytes, size);
  invariant(whole == read(question, bytes, 1), "bytes make no difference");
  invariant(whole == read(question, bytes, 1U + data[1]), "pieces make no difference");
  return 0;
}
