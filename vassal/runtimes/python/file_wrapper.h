// wsgi.file_wrapper: an iterable over a file-like object that the server may send by
// itself (PEP 3333, "Optional Platform-Specific File Handling").
#pragma once

#include <sys/types.h>

#include <optional>

#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

/// Makes the type; null with a Python error set.
PyTypeObject* make_file_wrapper_type();

struct PlainFile {
  int fd;
  off_t offset;  ///< where the application's next read() would begin
};

/// The regular file behind a wrapper, if the kernel can send it.
std::optional<PlainFile> plain_file_of(PyObject* wrapper);

}  // namespace vassal::python
