// Backend: our end of a connection to whoever serves one request: a vassal's worker on a
// socket pair, or a node.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "router/answer_reader.h"
#include "router/node_pool.h"
#include "router/request_writer.h"
#include "router/share.h"
#include "router/stream.h"

namespace router {

struct Backend {
  Backend(uvx::Loop& loop, base::Fd socket, RequestWriter w, AnswerTo asked, Protocol p)
      : protocol(p), stream(loop, std::move(socket)), writer(w), answer(p, asked) {}

  Protocol protocol;
  PlainStream stream;
  RequestWriter writer;
  AnswerReader answer;
  std::string unsent;         ///< of the request: its head, unless that went another way
  bool reused = false;        ///< the connection served another request before
  std::optional<Lease> node;  ///< while the request runs there
  std::shared_ptr<Share> share = nullptr;  ///< that the answer is paid from; null: free
};

}  // namespace router
