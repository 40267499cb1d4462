// The head of an answer as the router passes it on. Pure.
#pragma once

#include <string>
#include <vector>

#include "router/http_message.h"

namespace router {

/// How the receiver of an answer sees where its body ends.
enum class AnswerFraming {
  as_said,   ///< by Content-Length, or there is no body
  chunked,   ///< RFC 9112, 7.1
  close,     ///< by the end of the connection
  upgraded,  ///< never: the protocol was switched
};

/// What is said about the connection after the answer.
enum class AnswerConnection { unsaid, close, keep_alive };

struct AnswerShape {
  AnswerFraming framing = AnswerFraming::as_said;
  AnswerConnection connection = AnswerConnection::unsaid;
};

/// The head with this hop's fields left out, and a framing and a Connection of ours.
std::string answer_head(int status,
                        std::string_view reason,
                        const std::vector<HttpField>& fields,
                        const AnswerShape& shape);

}  // namespace router
