// The PROXY protocol header at the beginning of a connection, read to its last byte and
// not one further: what follows is TLS or HTTP.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/uv/task.h"
#include "router/proxy_protocol.h"
#include "router/stream.h"

namespace router {

/// An error if there is none, it is broken, or it does not come in time.
uvx::Task<base::Result<ProxyHeader>> receive_proxy_header(Stream& stream,
                                                          base::Deadline deadline);

}  // namespace router
