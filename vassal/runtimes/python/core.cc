#include "vassal/runtimes/python/core.h"

#include <cerrno>

#include "vassal/runtimes/python/failure.h"
#include "vassal/runtimes/python/file_wrapper.h"
#include "vassal/runtimes/python/input.h"
#include "vassal/runtimes/python/start_response.h"

namespace vassal::python {

namespace {

using Constants = std::vector<std::pair<Ref, Ref>>;

void give(Constants& constants, const char* name, Ref value) {
  if (value)
    constants.emplace_back(Ref(PyUnicode_InternFromString(name)), std::move(value));
}

Constants make_constants(const Types& types, const VassalConfig& config) {
  Constants all;
  give(all, "wsgi.version", Ref(Py_BuildValue("(ii)", 1, 0)));
  give(all, "wsgi.errors", Ref::share(PySys_GetObject("stderr")));
  give(all, "wsgi.run_once", Ref::share(Py_False));
  give(all, "wsgi.multithread", Ref::share(config.threads > 1 ? Py_True : Py_False));
  give(all, "wsgi.multiprocess", Ref::share(config.processes != 1 ? Py_True : Py_False));
  give(all, "wsgi.input_terminated", Ref::share(Py_True));
  give(all, "wsgi.file_wrapper",
       Ref::share(reinterpret_cast<PyObject*>(types.file_wrapper)));
  return all;
}

bool need_status(Exchange& exchange) {
  if (exchange.head().has_status()) return true;
  PyErr_SetString(PyExc_AssertionError, "the application did not call start_response");
  return false;
}

/// Sends one item of the answer. `whole`: there is no other.
bool send_item(Exchange& exchange, PyObject* item, bool whole) {
  if (PyBytes_CheckExact(item)) {
    const std::string_view bytes(PyBytes_AS_STRING(item),
                                 static_cast<size_t>(PyBytes_GET_SIZE(item)));
    if (bytes.empty() && !whole) return true;
    return need_status(exchange) && sent(exchange.write(bytes, whole));
  }
  if (PyObject_CheckBuffer(item) == 0) {
    PyErr_Format(PyExc_TypeError, "the answer must be made of bytes, not '%.100s'",
                 Py_TYPE(item)->tp_name);
    return false;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(item, &view, PyBUF_SIMPLE) != 0) return false;
  const std::string_view bytes(static_cast<const char*>(view.buf),
                               static_cast<size_t>(view.len));
  const bool good =
      bytes.empty() || (need_status(exchange) && sent(exchange.write(bytes, whole)));
  PyBuffer_Release(&view);
  return good;
}

/// A client that leaves is no failure of the application's: no traceback.
bool is_lost_client() {
  return PyErr_ExceptionMatches(PyExc_BrokenPipeError) != 0 ||
         PyErr_ExceptionMatches(PyExc_ConnectionResetError) != 0;
}

}  // namespace

Core::Core(const Types& types,
           std::span<const Ref> applications,
           const VassalConfig& config)
    : types_(types),
      applications_(applications),
      environ_(make_constants(types, config)),
      input_(new_input(types.input)),
      start_response_(new_start_response(types.start_response)),
      close_name_(PyUnicode_InternFromString("close")) {}

void Core::serve(Exchange& exchange) {
  attach_input(input_.get(), &exchange);
  attach_start_response(start_response_.get(), &exchange);
  if (!run(exchange)) {
    if (is_lost_client() && exchange.head_sent())
      PyErr_Clear();
    else
      report_failure();
    exchange.fail();
  }
  take_back();
}

bool Core::run(Exchange& exchange) {
  const Ref environ = environ_.make(exchange.request(), input_.get());
  if (!environ) return false;
  // One slot before the arguments is the callee's to use (PEP 590).
  PyObject* args[] = {nullptr, environ.get(), start_response_.get()};
  const Ref result(PyObject_Vectorcall(applications_[exchange.app()].get(), args + 1,
                                       2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  return result && send_result(exchange, result.get());
}

/// Sends what the application returned and closes it, whatever happens.
bool Core::send_result(Exchange& exchange, PyObject* result) {
  if (PyBytes_CheckExact(result))
    return send_item(exchange, result, true) && sent(exchange.finish());
  if (PyList_CheckExact(result) || PyTuple_CheckExact(result))
    return send_items(exchange, result) && need_status(exchange) &&
           sent(exchange.finish());
  bool done = false;
  bool good = send_file(exchange, result, done);
  if (good && !done) good = send_iterable(exchange, result);
  good = good && need_status(exchange) && sent(exchange.finish());
  if (!good) {
    // The page for the client goes out before the application's own clean-up, which may
    // fail too.
    if (is_lost_client() && exchange.head_sent())
      PyErr_Clear();
    else
      report_failure();
    exchange.fail();
  }
  const Ref close(PyObject_GetAttr(result, close_name_.get()));
  if (!close) {
    PyErr_Clear();
    return true;
  }
  const Ref closed(PyObject_CallNoArgs(close.get()));
  if (!closed) report_failure();
  return true;
}

bool Core::send_items(Exchange& exchange, PyObject* result) {
  const bool whole = PySequence_Fast_GET_SIZE(result) == 1 && !exchange.head_sent();
  // The list may change while an item is sent (another thread): look at its size each
  // time.
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result); ++i) {
    const Ref item = Ref::share(PySequence_Fast_GET_ITEM(result, i));
    if (!send_item(exchange, item.get(), whole)) return false;
  }
  return true;
}

bool Core::send_iterable(Exchange& exchange, PyObject* result) {
  const Ref iterator(PyObject_GetIter(result));
  if (!iterator) return false;
  for (;;) {
    const Ref item(PyIter_Next(iterator.get()));
    if (!item) return PyErr_Occurred() == nullptr;
    if (!send_item(exchange, item.get(), false)) return false;
  }
}

/// Lets the kernel send a wrapped regular file; `done` stays false if it cannot.
bool Core::send_file(Exchange& exchange, PyObject* result, bool& done) const {
  if (Py_TYPE(result) != types_.file_wrapper || exchange.head_sent()) return true;
  const auto file = plain_file_of(result);
  if (!file) return true;
  done = true;
  return need_status(exchange) && sent(exchange.write_file(file->fd, file->offset));
}

/// An object that the application kept is left to it, cut off from the next request.
void Core::take_back() {
  attach_input(input_.get(), nullptr);
  attach_start_response(start_response_.get(), nullptr);
  if (Py_REFCNT(input_.get()) != 1) input_ = new_input(types_.input);
  if (!only_ours(start_response_.get()))
    start_response_ = new_start_response(types_.start_response);
}

}  // namespace vassal::python
