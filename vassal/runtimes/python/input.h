// wsgi.input: the request body as a Python object (PEP 3333, "Input and Error Streams").
//
// Never gives more than the body; read(0) gives nothing; readline(n) at most n bytes.
// Detached from the request when it ends: an application that keeps the object gets an
// OSError, not the next client's bytes.
#pragma once

#include "vassal/runtime.h"
#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

/// Makes the type; null with a Python error set.
PyTypeObject* make_input_type();
/// An input that belongs to no request yet.
Ref new_input(PyTypeObject* type);
/// Gives it a request, or takes it away (null).
void attach_input(PyObject* object, Exchange* exchange);

}  // namespace vassal::python
