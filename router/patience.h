// The silences that end an exchange.
#pragma once

#include "base/clock.h"

namespace router {

struct ExchangePatience {
  base::Duration client;   ///< of the client, or its not reading
  base::Duration backend;  ///< of the backend: 504
  base::Duration tunnel;   ///< of both, once protocols were switched
};

}  // namespace router
