// Failures of the application, told to its author: the traceback in the log, one line
// elsewhere.
#pragma once

#include <string>

namespace vassal::python {

/// Prints the pending Python exception with its traceback to standard error, clears it,
/// and returns it in one line: "SyntaxError: invalid syntax (app.py, line 3)". SystemExit
/// is an exception like any other here.
std::string report_failure();

}  // namespace vassal::python
