#include "vassal/runtimes/python/file_wrapper.h"

#include <structmember.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>

namespace vassal::python {

namespace {

struct FileWrapper {
  PyObject_HEAD PyObject* filelike;
  Py_ssize_t block_size;
};

FileWrapper* self_of(PyObject* object) {
  return reinterpret_cast<FileWrapper*>(object);
}

int init(PyObject* object, PyObject* args, PyObject* names) {
  static const char* keywords[] = {"filelike", "blksize", nullptr};
  PyObject* filelike = nullptr;
  Py_ssize_t block_size = 8192;
  if (PyArg_ParseTupleAndKeywords(args, names, "O|n", const_cast<char**>(keywords),
                                  &filelike, &block_size) == 0)
    return -1;
  Py_INCREF(filelike);
  Py_XSETREF(self_of(object)->filelike, filelike);
  self_of(object)->block_size = block_size > 0 ? block_size : 8192;
  return 0;
}

PyObject* next(PyObject* object) {
  const FileWrapper& self = *self_of(object);
  Ref data(PyObject_CallMethod(self.filelike, "read", "n", self.block_size));
  if (!data) return nullptr;
  const int more = PyObject_IsTrue(data.get());
  if (more <= 0) data.reset();
  return data.release();
}

PyObject* close_file(PyObject* object, PyObject*) {
  const Ref method(PyObject_GetAttrString(self_of(object)->filelike, "close"));
  if (!method) {
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  return PyObject_CallNoArgs(method.get());
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self_of(object)->filelike);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(self_of(object)->filelike);
  return 0;
}

void dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

std::optional<long long> number_from(PyObject* object, const char* method) {
  const Ref result(PyObject_CallMethod(object, method, nullptr));
  const long long number = result ? PyLong_AsLongLong(result.get()) : -1;
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    return std::nullopt;
  }
  return number;
}

}  // namespace

PyTypeObject* make_file_wrapper_type() {
  static PyMethodDef methods[] = {
      {"close", close_file, METH_NOARGS, nullptr},
      {nullptr, nullptr, 0, nullptr},
  };
  static PyMemberDef members[] = {
      {"filelike", T_OBJECT_EX, offsetof(FileWrapper, filelike), READONLY, nullptr},
      {"blksize", T_PYSSIZET, offsetof(FileWrapper, block_size), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr},
  };
  static PyType_Slot slots[] = {
      {Py_tp_init, reinterpret_cast<void*>(init)},
      {Py_tp_methods, methods},
      {Py_tp_members, members},
      {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
      {Py_tp_iternext, reinterpret_cast<void*>(next)},
      {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(clear)},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {0, nullptr},
  };
  static PyType_Spec spec = {"imperium.FileWrapper", sizeof(FileWrapper), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

std::optional<PlainFile> plain_file_of(PyObject* wrapper) {
  PyObject* filelike = self_of(wrapper)->filelike;
  if (filelike == nullptr) return std::nullopt;
  const auto fd = number_from(filelike, "fileno");
  struct stat info{};
  if (!fd || *fd < 0 || ::fstat(static_cast<int>(*fd), &info) != 0 ||
      !S_ISREG(info.st_mode))
    return std::nullopt;
  // A buffered reader is ahead of its own position: tell() is where it really stands.
  // Objects that decode or decompress have a fileno, too, but not the bytes: their tell()
  // does not agree with the file, or read() gives str; only io's own readers are sent by
  // the kernel.
  const Ref io(PyImport_ImportModule("io"));
  const Ref plain(io ? PyObject_GetAttrString(io.get(), "BufferedReader") : nullptr);
  const Ref random(io ? PyObject_GetAttrString(io.get(), "BufferedRandom") : nullptr);
  const Ref raw(io ? PyObject_GetAttrString(io.get(), "FileIO") : nullptr);
  PyErr_Clear();
  if (!plain || !random || !raw) return std::nullopt;
  PyTypeObject* type = Py_TYPE(filelike);
  const auto is = [type](const Ref& known) {
    return type == reinterpret_cast<PyTypeObject*>(known.get());
  };
  if (!is(plain) && !is(random) && !is(raw)) return std::nullopt;
  const Ref flushed(is(raw) ? nullptr : PyObject_CallMethod(filelike, "flush", nullptr));
  PyErr_Clear();
  const auto offset = number_from(filelike, "tell");
  if (!offset || *offset < 0) return std::nullopt;
  return PlainFile{static_cast<int>(*fd), static_cast<off_t>(*offset)};
}

}  // namespace vassal::python
