#include "vassal/runtimes/python/interface.h"

namespace vassal::python {

namespace {

struct Shape {
  bool coroutine = false;
  bool any_count = false;   // *args
  Py_ssize_t required = 0;  // positional arguments that have to be given
};

/// The Python function that a call of `callable` runs, and how many of its first
/// arguments are not the caller's. Null if there is none.
Ref function_of(PyObject* callable, Py_ssize_t& bound) {
  bound = 0;
  if (PyFunction_Check(callable)) return Ref::share(callable);
  if (PyMethod_Check(callable)) {
    bound = 1;
    return Ref::share(PyMethod_GET_FUNCTION(callable));
  }
  Ref method(PyObject_GetAttrString(callable, "__call__"));
  PyErr_Clear();
  if (method && PyMethod_Check(method.get())) {
    bound = 1;
    return Ref::share(PyMethod_GET_FUNCTION(method.get()));
  }
  return method;
}

Shape shape_of(PyObject* function, Py_ssize_t bound) {
  Shape shape;
  if (function == nullptr || !PyFunction_Check(function)) return shape;
  const auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function));
  PyObject* defaults = PyFunction_GET_DEFAULTS(function);
  shape.coroutine = (code->co_flags & CO_COROUTINE) != 0;
  shape.any_count = (code->co_flags & CO_VARARGS) != 0;
  shape.required =
      code->co_argcount - bound - (defaults != nullptr ? PyTuple_GET_SIZE(defaults) : 0);
  return shape;
}

/// functools.partial: what it calls, and how many arguments it gives.
Ref unwrapped(PyObject* application, Py_ssize_t& given) {
  Ref at = Ref::share(application);
  given = 0;
  while (!PyFunction_Check(at.get()) && !PyType_Check(at.get())) {
    Ref function(PyObject_GetAttrString(at.get(), "func"));
    const Ref args(PyObject_GetAttrString(at.get(), "args"));
    PyErr_Clear();
    if (!function || !args || PyTuple_Check(args.get()) == 0) break;
    given += PyTuple_GET_SIZE(args.get());
    at = std::move(function);
  }
  return at;
}

}  // namespace

Looks looks_of(PyObject* application) {
  Py_ssize_t given = 0;
  Py_ssize_t bound = 0;
  const Ref callable = unwrapped(application, given);
  const Ref function = function_of(callable.get(), bound);
  const Shape shape = shape_of(function.get(), bound + given);
  // A class makes objects when it is called: if those are called again, and wait, it is
  // the old form. (Its __call__ has self as an argument that is not bound yet.)
  if (PyType_Check(callable.get())) return shape.coroutine ? Looks::asgi2 : Looks::wsgi;
  if (shape.coroutine) return Looks::asgi;
  // WSGI gives two arguments; a wrapper of an ASGI application takes three.
  if (shape.required == 3) return Looks::asgi;
  if (shape.required == 1 && !shape.any_count && function &&
      PyFunction_Check(function.get())) {
    const auto* code =
        reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function.get()));
    if (code->co_argcount - bound - given == 1) return Looks::asgi2;
  }
  return Looks::wsgi;
}

}  // namespace vassal::python
