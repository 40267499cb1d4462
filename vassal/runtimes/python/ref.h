// Ref: the owner of one reference to a Python object.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string_view>
#include <utility>

namespace vassal::python {

class Ref {
 public:
  Ref() = default;
  /// Takes over a new reference, or null after a Python error.
  explicit Ref(PyObject* stolen) : object_(stolen) {}
  static Ref share(PyObject* borrowed) {
    Py_XINCREF(borrowed);
    return Ref(borrowed);
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  void reset() { Py_CLEAR(object_); }

 private:
  PyObject* object_ = nullptr;
};

/// The text of a str whose characters are all latin-1; nothing for others (no error set).
/// Valid as long as the object.
inline const char* latin1_data(PyObject* text, std::string_view& out) {
  if (!PyUnicode_Check(text)) return "must be a str";
  if (PyUnicode_READY(text) != 0) return "is not usable";
  if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND)
    return "holds characters outside latin-1";
  out = {reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)),
         static_cast<size_t>(PyUnicode_GET_LENGTH(text))};
  return nullptr;
}

inline Ref latin1(std::string_view text) {
  return Ref(
      PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
}

}  // namespace vassal::python
