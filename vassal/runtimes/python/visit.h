// imperium.Visit and imperium.Visits: what asgi.py sees of the program. Each method is
// one step that does not wait; the coroutines above them decide when.
#pragma once

#include "vassal/runtime.h"
#include "vassal/runtimes/python/ref.h"
#include "vassal/runtimes/python/scope.h"

namespace vassal::python {

/// Makes the type; null with a Python error set.
PyTypeObject* make_visit_type();

/// A visit for asgi.py. `scopes` and `visit` outlive it, the latter until release().
Ref new_visit(PyTypeObject* type, ScopeMaker& scopes, Visit& visit, uint64_t max_message);

/// What asgi.py put into its `talk`; null before. Borrowed.
PyObject* talk_of(PyObject* visit);

}  // namespace vassal::python
