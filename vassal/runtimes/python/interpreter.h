// The interpreter's start: everything that is decided before the first line of the tenant
// runs.
//
// Like the python program as far as libraries and virtual environments go, but no signal
// handler is installed, no user site is added, and the current directory and `pythonpath`
// are on sys.path as uWSGI has them.
#pragma once

#include <optional>
#include <string>

#include "vassal/config.h"

namespace vassal::python {

/// Starts the interpreter; the reason in one line if it cannot.
std::optional<std::string> start_interpreter(const VassalConfig& config);

/// Writes what the application printed and Python still holds.
void flush_output();
/// Exit handlers, then flush_output().
void finish_interpreter();

}  // namespace vassal::python
