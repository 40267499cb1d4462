#include "vassal/runtimes/python/asgi.h"

#include "vassal/runtimes/python/asgi_source.h"
#include "vassal/runtimes/python/failure.h"
#include "vassal/runtimes/python/visit.h"

namespace vassal::python {

namespace {

/// The worker's visits for asgi.py.
struct PyVisits {
  PyObject_HEAD Visits* visits;
  PyTypeObject* visit_type;
  ScopeMaker* scopes;
  uint64_t max_message;
};

Visits& visits_of(PyObject* object) {
  return *reinterpret_cast<PyVisits*>(object)->visits;
}

PyObject* arrivals_fd(PyObject* object, PyObject*) {
  return PyLong_FromLong(visits_of(object).arrivals_fd());
}

PyObject* changes_fd(PyObject* object, PyObject*) {
  return PyLong_FromLong(visits_of(object).changes_fd());
}

template <void (Visits::*Step)()>
PyObject* step(PyObject* object, PyObject*) {
  (visits_of(object).*Step)();
  Py_RETURN_NONE;
}

PyObject* is_full(PyObject* object, PyObject*) {
  return PyBool_FromLong(visits_of(object).full() ? 1 : 0);
}

PyObject* is_leaving(PyObject* object, PyObject*) {
  return PyBool_FromLong(visits_of(object).leaving() ? 1 : 0);
}

PyObject* count(PyObject* object, PyObject*) {
  return PyLong_FromSize_t(visits_of(object).count());
}

/// The next visit that is new; None at the end.
PyObject* arrived(PyObject* object, PyObject*) {
  const PyVisits& self = *reinterpret_cast<PyVisits*>(object);
  Visit* const visit = self.visits->next_arrived();
  if (visit == nullptr) Py_RETURN_NONE;
  return new_visit(self.visit_type, *self.scopes, *visit, self.max_message).release();
}

/// The `talk` of the next visit that changed; None at the end.
PyObject* changed(PyObject* object, PyObject*) {
  while (Visit* const visit = visits_of(object).next_changed()) {
    PyObject* const talk =
        visit->owner != nullptr ? talk_of(static_cast<PyObject*>(visit->owner)) : nullptr;
    if (talk != nullptr) return Py_NewRef(talk);
  }
  Py_RETURN_NONE;
}

void dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyTypeObject* make_visits_type() {
  static PyMethodDef methods[] = {
      {"arrivals_fd", arrivals_fd, METH_NOARGS, nullptr},
      {"changes_fd", changes_fd, METH_NOARGS, nullptr},
      {"look", step<&Visits::look>, METH_NOARGS, nullptr},
      {"heed", step<&Visits::heed>, METH_NOARGS, nullptr},
      {"tick", step<&Visits::tick>, METH_NOARGS, nullptr},
      {"flush_log", step<&Visits::flush_log>, METH_NOARGS, nullptr},
      {"arrived", arrived, METH_NOARGS, nullptr},
      {"changed", changed, METH_NOARGS, nullptr},
      {"full", is_full, METH_NOARGS, nullptr},
      {"leaving", is_leaving, METH_NOARGS, nullptr},
      {"count", count, METH_NOARGS, nullptr},
      {nullptr, nullptr, 0, nullptr},
  };
  static PyType_Slot slots[] = {
      {Py_tp_methods, methods},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {0, nullptr},
  };
  static PyType_Spec spec = {"imperium.Visits", sizeof(PyVisits), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

}  // namespace

std::optional<std::string> Asgi::load(const VassalConfig& config) {
  config_ = &config;
  visit_type_ = make_visit_type();
  visits_type_ = make_visits_type();
  const Ref code(Py_CompileString(kAsgiSource, "imperium/asgi.py", Py_file_input));
  if (code) module_ = Ref(PyImport_ExecCodeModule("imperium_asgi", code.get()));
  if (visit_type_ == nullptr || visits_type_ == nullptr || !module_)
    return report_failure();
  return std::nullopt;
}

std::optional<std::string> Asgi::start(std::span<const Ref> applications) {
  const Ref list(PyList_New(0));
  for (const Ref& application : applications)
    if (list) PyList_Append(list.get(), application.get());
  if (list)
    server_ = Ref(
        PyObject_CallMethod(module_.get(), "Server", "OI", list.get(), config_->threads));
  const Ref reason(server_ ? PyObject_CallMethod(server_.get(), "start", nullptr)
                           : nullptr);
  if (!reason) return report_failure();
  if (reason.get() == Py_None) return std::nullopt;
  const char* text = PyUnicode_Check(reason.get()) ? PyUnicode_AsUTF8(reason.get()) : "";
  PyErr_Clear();
  return text != nullptr ? text : "";
}

void Asgi::serve(Visits& visits) {
  const Ref object(visits_type_->tp_alloc(visits_type_, 0));
  if (object) {
    auto& self = *reinterpret_cast<PyVisits*>(object.get());
    self.visits = &visits;
    self.visit_type = visit_type_;
    self.scopes = &scopes_;
    self.max_message = config_->websockets_max_size;
  }
  const Ref served(object ? PyObject_CallMethod(server_.get(), "serve", "O", object.get())
                          : nullptr);
  if (!served) report_failure();
}

}  // namespace vassal::python
