// start_response: the callable that each application gets, and the write() it returns.
//
// Fills the head of the answer. Detached from the request when it ends, like wsgi.input.
#pragma once

#include "vassal/runtime.h"
#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

/// Makes the type; null with a Python error set.
PyTypeObject* make_start_response_type();
/// A start_response that belongs to no request yet.
Ref new_start_response(PyTypeObject* type);
/// Gives it a request, or takes it away (null).
void attach_start_response(PyObject* object, Exchange* exchange);
/// True if nobody but its owner holds it: it may serve the next request, too.
bool only_ours(PyObject* object);

/// Raises OSError for a negative errno; false then.
bool sent(int result);

}  // namespace vassal::python
