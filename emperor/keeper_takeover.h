// Taking over: a keeper whose predecessor died finds the emperor that still lives, and
// gets everything that has to be held from it.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "emperor/holding.h"

namespace emperor {

/// Connects to the emperor of this run directory and asks to become its keeper. Waits a
/// few seconds for one that is just starting.
base::Result<base::Fd> ask_to_take_over(const std::string& run_dir);

/// Takes everything that the emperor hands over on `channel` into `held`; its pid. An
/// error with the emperor's reason if it refuses.
base::Result<pid_t> take_everything(int channel, OwnHolding* held);

}  // namespace emperor
