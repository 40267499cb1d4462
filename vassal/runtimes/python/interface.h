// Interface: whether an application is WSGI or ASGI, by the look of it.
//
// Looks at code objects alone: nothing of the application runs, and no module is loaded
// for it.
#pragma once

#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

enum class Looks {
  wsgi,
  asgi,  ///< a coroutine function of three arguments, or an object called as one
  asgi2  ///< a callable that is to be called twice, first with the scope alone
};

/// What `application` looks like. What tells nothing (written in C, say) is wsgi.
Looks looks_of(PyObject* application);

}  // namespace vassal::python
