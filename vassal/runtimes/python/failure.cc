#include "vassal/runtimes/python/failure.h"

#include <algorithm>
#include <string_view>

#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

namespace {

constexpr size_t kLongestReason = 300;

std::string text_of(PyObject* object) {
  const Ref text(PyObject_Str(object));
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  std::string result = utf8 != nullptr ? utf8 : "";
  PyErr_Clear();
  return result;
}

/// " (site/wsgi.py, line 2)": the innermost line of the traceback that is not import
/// machinery.
std::string place_of(PyObject* traceback) {
  std::string place;
  Ref at = Ref::share(traceback);
  while (at && at.get() != Py_None) {
    const Ref frame(PyObject_GetAttrString(at.get(), "tb_frame"));
    const Ref code(frame ? PyObject_GetAttrString(frame.get(), "f_code") : nullptr);
    const Ref file(code ? PyObject_GetAttrString(code.get(), "co_filename") : nullptr);
    const Ref line(PyObject_GetAttrString(at.get(), "tb_lineno"));
    if (!file || !line) break;
    const std::string name = text_of(file.get());
    if (!name.starts_with("<frozen"))
      place = " (" + name + ", line " + text_of(line.get()) + ")";
    at = Ref(PyObject_GetAttrString(at.get(), "tb_next"));
  }
  PyErr_Clear();
  return place;
}

std::string one_line(PyObject* type, PyObject* value, PyObject* traceback) {
  std::string reason =
      PyType_Check(type) ? reinterpret_cast<PyTypeObject*>(type)->tp_name : "exception";
  if (const std::string text = text_of(value); !text.empty()) reason += ": " + text;
  reason = reason.substr(0, reason.find('\n')).substr(0, kLongestReason);
  // A SyntaxError names its place itself.
  if (PyErr_GivenExceptionMatches(type, PyExc_SyntaxError) == 0)
    reason += place_of(traceback);
  std::ranges::replace_if(
      reason, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return reason;
}

}  // namespace

std::string report_failure() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) return "no exception";
  PyErr_NormalizeException(&type, &value, &traceback);
  const Ref owned_type(type), owned_value(value), owned_traceback(traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  PyErr_Display(type, value, traceback);
  PyErr_Clear();
  const Ref flushed(PyObject_CallMethod(PySys_GetObject("stderr"), "flush", nullptr));
  PyErr_Clear();
  return one_line(type, value, traceback);
}

}  // namespace vassal::python
