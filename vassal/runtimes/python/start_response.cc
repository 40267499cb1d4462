#include "vassal/runtimes/python/start_response.h"

#include <structmember.h>

#include <cerrno>
#include <cstddef>

namespace vassal::python {

namespace {

struct StartResponse {
  PyObject_HEAD vectorcallfunc call;
  Exchange* exchange;
  PyObject* write;  // bound to this object: one reference to it is ours
};

StartResponse* self_of(PyObject* object) {
  return reinterpret_cast<StartResponse*>(object);
}

bool refuse(PyObject* type, const char* what, const char* why) {
  PyErr_Format(type, "start_response: %s %s", what, why);
  return false;
}

bool text_argument(PyObject* object, const char* what, std::string_view& text) {
  const char* wrong = latin1_data(object, text);
  return wrong == nullptr || refuse(PyExc_TypeError, what, wrong);
}

bool add_header(ResponseHead& head, PyObject* pair) {
  const bool tuple = PyTuple_Check(pair) != 0;
  if ((!tuple && PyList_Check(pair) == 0) || PySequence_Fast_GET_SIZE(pair) != 2)
    return refuse(PyExc_TypeError, "each header", "must be a tuple of two str");
  std::string_view name, value;
  if (!text_argument(PySequence_Fast_GET_ITEM(pair, 0), "a header name", name))
    return false;
  if (!text_argument(PySequence_Fast_GET_ITEM(pair, 1), "a header value", value))
    return false;
  if (const char* wrong = head.add(name, value)) {
    PyErr_Format(PyExc_ValueError, "start_response: header %R: %s", pair, wrong);
    return false;
  }
  return true;
}

bool fill_head(ResponseHead& head, PyObject* status, PyObject* headers) {
  std::string_view line;
  if (!text_argument(status, "the status", line)) return false;
  if (PyList_Check(headers) == 0 && PyTuple_Check(headers) == 0)
    return refuse(PyExc_TypeError, "the headers", "must be a list");
  if (const char* wrong = head.set_status(line)) {
    PyErr_Format(PyExc_ValueError, "start_response: %R: %s", status, wrong);
    return false;
  }
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(headers); ++i)
    if (!add_header(head, PySequence_Fast_GET_ITEM(headers, i))) return false;
  return true;
}

/// Raises what exc_info holds: the answer has begun and cannot be replaced any more.
PyObject* raise_again(PyObject* exc_info) {
  if (PyTuple_Check(exc_info) == 0 || PyTuple_GET_SIZE(exc_info) != 3)
    return PyErr_Format(PyExc_TypeError,
                        "start_response: exc_info must be a tuple of three");
  PyObject* type = PyTuple_GET_ITEM(exc_info, 0);
  PyObject* value = PyTuple_GET_ITEM(exc_info, 1);
  PyObject* traceback = PyTuple_GET_ITEM(exc_info, 2);
  Py_XINCREF(type);
  Py_XINCREF(value);
  if (traceback == Py_None) traceback = nullptr;
  Py_XINCREF(traceback);
  PyErr_Restore(type, value, traceback);
  return nullptr;
}

PyObject* start(StartResponse& self,
                PyObject* status,
                PyObject* headers,
                PyObject* exc_info) {
  if (self.exchange == nullptr) {
    PyErr_SetString(PyExc_RuntimeError,
                    "start_response belongs to a request that has ended");
    return nullptr;
  }
  ResponseHead& head = self.exchange->head();
  const bool replaces = exc_info != nullptr && exc_info != Py_None;
  if (replaces && self.exchange->head_sent()) return raise_again(exc_info);
  if (!replaces && head.has_status()) {
    PyErr_SetString(PyExc_AssertionError,
                    "start_response was already called (and no exc_info)");
    return nullptr;
  }
  if (!fill_head(head, status, headers)) return nullptr;
  Py_INCREF(self.write);
  return self.write;
}

PyObject* vectorcall(PyObject* object,
                     PyObject* const* args,
                     size_t nargsf,
                     PyObject* names) {
  const Py_ssize_t count = PyVectorcall_NARGS(nargsf);
  PyObject* values[3] = {nullptr, nullptr, nullptr};
  if (count > 3) {
    PyErr_SetString(PyExc_TypeError, "start_response takes status, headers and exc_info");
    return nullptr;
  }
  for (Py_ssize_t i = 0; i < count; ++i)
    values[i] = args[i];
  constexpr const char* kNames[] = {"status", "headers", "exc_info"};
  constexpr const char* kOtherNames[] = {"status", "response_headers", "exc_info"};
  for (Py_ssize_t k = 0; names != nullptr && k < PyTuple_GET_SIZE(names); ++k) {
    PyObject* name = PyTuple_GET_ITEM(names, k);
    for (size_t i = 0; i < 3; ++i)
      if (PyUnicode_CompareWithASCIIString(name, kNames[i]) == 0 ||
          PyUnicode_CompareWithASCIIString(name, kOtherNames[i]) == 0)
        values[i] = args[count + k];
  }
  if (values[0] == nullptr || values[1] == nullptr) {
    PyErr_SetString(PyExc_TypeError, "start_response needs status and headers");
    return nullptr;
  }
  return start(*self_of(object), values[0], values[1], values[2]);
}

PyObject* write_body(PyObject* object, PyObject* data) {
  StartResponse& self = *self_of(object);
  if (self.exchange == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "write belongs to a request that has ended");
    return nullptr;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0) return nullptr;
  const std::string_view bytes(static_cast<const char*>(view.buf),
                               static_cast<size_t>(view.len));
  const int result = bytes.empty() ? 0 : self.exchange->write(bytes, false);
  PyBuffer_Release(&view);
  if (!sent(result)) return nullptr;
  Py_RETURN_NONE;
}

void dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

}  // namespace

bool sent(int result) {
  if (result >= 0) return true;
  errno = -result;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

PyTypeObject* make_start_response_type() {
  static PyMemberDef members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(StartResponse, call), READONLY,
       nullptr},
      {nullptr, 0, 0, 0, nullptr},
  };
  static PyType_Slot slots[] = {
      {Py_tp_members, members},
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {0, nullptr},
  };
  static PyType_Spec spec = {
      "imperium.start_response", sizeof(StartResponse), 0,
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
      slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

Ref new_start_response(PyTypeObject* type) {
  static PyMethodDef write_method = {"write", write_body, METH_O, nullptr};
  Ref object(type->tp_alloc(type, 0));
  if (!object) return object;
  self_of(object.get())->call = vectorcall;
  // The method holds its object: the pair lives until attach_start_response(..., null)
  // finds it shared and the owner makes another one.
  self_of(object.get())->write = PyCFunction_New(&write_method, object.get());
  if (self_of(object.get())->write == nullptr) object.reset();
  return object;
}

void attach_start_response(PyObject* object, Exchange* exchange) {
  self_of(object)->exchange = exchange;
}

bool only_ours(PyObject* object) {
  return Py_REFCNT(object) == 2 && Py_REFCNT(self_of(object)->write) == 1;
}

}  // namespace vassal::python
