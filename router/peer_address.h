// Addresses of a connected TCP or unix socket as the strings of a CGI environment.
#pragma once

#include "router/http_request.h"

namespace router {

/// Who is at the other end of `connection`, and which port of ours it came to.
HttpPeers peers_of(int connection);

}  // namespace router
