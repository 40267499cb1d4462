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
  Backend(std::unique_ptr<PlainStream> link, RequestWriter w, AnswerTo asked, Protocol p)
      : protocol(p),
        connection(std::move(link)),
        stream(*connection),
        writer(w),
        answer(p, asked) {}

  Protocol protocol;
  std::unique_ptr<PlainStream> connection;  ///< empty once it serves somebody else
  PlainStream& stream;                      ///< the same
  RequestWriter writer;
  AnswerReader answer;
  std::string unsent;         ///< of the request: its head, unless that went another way
  bool reused = false;        ///< the connection served another request before
  std::optional<Lease> node;  ///< while the request runs there
  std::shared_ptr<Share> share = nullptr;  ///< that the answer is paid from; null: free
};

}  // namespace router
