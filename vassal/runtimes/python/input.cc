#include "vassal/runtimes/python/input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

namespace vassal::python {

namespace {

/// What a client promises is not allocated before it comes.
constexpr size_t kFirstStep = 1 << 20;
constexpr size_t kLineStep = 8192;

struct Input {
  PyObject_HEAD Exchange* exchange;
  std::string ahead;  // read from the body, not yet given to the application
  size_t given;       // of `ahead`
};

Input* self_of(PyObject* object) {
  return reinterpret_cast<Input*>(object);
}

std::string_view pending(const Input& input) {
  return std::string_view(input.ahead).substr(input.given);
}

void consume(Input& input, size_t count) {
  input.given += count;
  if (input.given < input.ahead.size()) return;
  input.ahead.clear();
  input.given = 0;
}

PyObject* raise(ssize_t error) {
  errno = static_cast<int>(-error);
  return PyErr_SetFromErrno(PyExc_OSError);
}

bool attached(const Input& input) {
  if (input.exchange != nullptr) return true;
  PyErr_SetString(PyExc_OSError, "wsgi.input belongs to a request that has ended");
  return false;
}

/// Fills `into` from what was read ahead, then from the body. Fewer than `size`: the end.
ssize_t fill(Input& input, char* into, size_t size) {
  const std::string_view have = pending(input).substr(0, size);
  std::memcpy(into, have.data(), have.size());
  size_t count = have.size();
  consume(input, have.size());
  while (count < size) {
    const ssize_t n = input.exchange->read_body(into + count, size - count);
    if (n < 0) return n;
    if (n == 0) break;
    count += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(count);
}

/// Bytes object of at most `want` bytes, grown as they come.
PyObject* read_bytes(Input& input, size_t want) {
  if (const auto left = input.exchange->body_left())
    want = static_cast<size_t>(std::min<uint64_t>(want, *left + pending(input).size()));
  size_t size = std::min(want, kFirstStep);
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
  size_t count = 0;
  while (bytes != nullptr) {
    const ssize_t n = fill(input, PyBytes_AS_STRING(bytes) + count, size - count);
    if (n < 0) {
      Py_DECREF(bytes);
      return raise(n);
    }
    count += static_cast<size_t>(n);
    if (count < size || size == want) break;
    size = std::min(want, size * 2);
    _PyBytes_Resize(&bytes, static_cast<Py_ssize_t>(size));
  }
  if (bytes != nullptr && count < size)
    _PyBytes_Resize(&bytes, static_cast<Py_ssize_t>(count));
  return bytes;
}

/// The optional size argument: absent, None or negative mean everything.
bool size_argument(PyObject* const* args, Py_ssize_t count, size_t& size) {
  size = static_cast<size_t>(PY_SSIZE_T_MAX);
  if (count == 0 || args[0] == Py_None) return true;
  const Py_ssize_t given = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
  if (given == -1 && PyErr_Occurred() != nullptr) return false;
  if (given >= 0) size = static_cast<size_t>(given);
  return true;
}

PyObject* input_read(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  size_t size;
  if (!attached(*self_of(object)) || !size_argument(args, count, size)) return nullptr;
  return read_bytes(*self_of(object), size);
}

PyObject* take_line(Input& input, size_t size) {
  for (size_t searched = 0;;) {
    const std::string_view have = pending(input);
    const size_t end = have.find('\n', searched);
    size_t line = end == std::string_view::npos ? have.size() : end + 1;
    const bool complete = end != std::string_view::npos || have.size() >= size;
    if (!complete) {
      searched = have.size();
      const size_t before = input.ahead.size();
      input.ahead.resize(before + kLineStep);
      const ssize_t n = input.exchange->read_body(input.ahead.data() + before, kLineStep);
      input.ahead.resize(before + static_cast<size_t>(std::max<ssize_t>(n, 0)));
      if (n < 0) return raise(n);
      if (n > 0) continue;
    }
    line = std::min(line, size);
    PyObject* bytes = PyBytes_FromStringAndSize(input.ahead.data() + input.given,
                                                static_cast<Py_ssize_t>(line));
    consume(input, line);
    return bytes;
  }
}

PyObject* input_readline(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  size_t size;
  if (!attached(*self_of(object)) || !size_argument(args, count, size)) return nullptr;
  return size == 0 ? PyBytes_FromStringAndSize(nullptr, 0)
                   : take_line(*self_of(object), size);
}

PyObject* input_readlines(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  size_t hint;
  if (!attached(*self_of(object)) || !size_argument(args, count, hint)) return nullptr;
  Ref lines(PyList_New(0));
  for (size_t total = 0; lines && total < hint;) {
    const Ref line(take_line(*self_of(object), static_cast<size_t>(PY_SSIZE_T_MAX)));
    if (!line) return nullptr;
    if (PyBytes_GET_SIZE(line.get()) == 0) break;
    total += static_cast<size_t>(PyBytes_GET_SIZE(line.get()));
    if (PyList_Append(lines.get(), line.get()) != 0) return nullptr;
  }
  return lines.release();
}

PyObject* input_next(PyObject* object) {
  if (!attached(*self_of(object))) return nullptr;
  Ref line(take_line(*self_of(object), static_cast<size_t>(PY_SSIZE_T_MAX)));
  if (line && PyBytes_GET_SIZE(line.get()) == 0) line.reset();
  return line.release();
}

PyObject* input_fileno(PyObject* object, PyObject*) {
  if (!attached(*self_of(object))) return nullptr;
  return PyLong_FromLong(self_of(object)->exchange->fd());
}

PyObject* input_close(PyObject*, PyObject*) {
  Py_RETURN_NONE;
}

void input_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  self_of(object)->ahead.~basic_string();
  type->tp_free(object);
  Py_DECREF(type);
}

template <class F>
PyCFunction as_function(F f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

}  // namespace

PyTypeObject* make_input_type() {
  static PyMethodDef methods[] = {
      {"read", as_function(input_read), METH_FASTCALL, nullptr},
      {"readline", as_function(input_readline), METH_FASTCALL, nullptr},
      {"readlines", as_function(input_readlines), METH_FASTCALL, nullptr},
      {"fileno", input_fileno, METH_NOARGS, nullptr},
      {"close", input_close, METH_NOARGS, nullptr},
      {nullptr, nullptr, 0, nullptr},
  };
  static PyType_Slot slots[] = {
      {Py_tp_methods, methods},
      {Py_tp_dealloc, reinterpret_cast<void*>(input_dealloc)},
      {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
      {Py_tp_iternext, reinterpret_cast<void*>(input_next)},
      {0, nullptr},
  };
  static PyType_Spec spec = {"imperium.Input", sizeof(Input), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

Ref new_input(PyTypeObject* type) {
  Ref object(type->tp_alloc(type, 0));
  if (object) new (&self_of(object.get())->ahead) std::string;
  return object;
}

void attach_input(PyObject* object, Exchange* exchange) {
  Input* input = self_of(object);
  input->exchange = exchange;
  input->ahead.clear();
  input->given = 0;
}

}  // namespace vassal::python
