// The head of a vassal's answer as the router passes it on. Pure.
#pragma once

#include <string>

#include "router/http_message.h"

namespace router {

/// What the client's side of the answer looks like.
struct AnswerShape {
  bool keep_alive = false;   ///< the client connection goes on after it
  bool to_http_1_0 = false;  ///< no chunks; keep-alive must be said
};

/// The head with this hop's fields left out and a Connection of ours.
std::string answer_head(const HttpMessage& answer, const AnswerShape& shape);

}  // namespace router
