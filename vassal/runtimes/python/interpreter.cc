#include "vassal/runtimes/python/interpreter.h"

#include <sys/stat.h>

#include <vector>

#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

namespace {

bool exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

PyStatus set(PyConfig& config, wchar_t** field, const std::string& value) {
  return PyConfig_SetBytesString(&config, field, value.c_str());
}

/// A virtual environment is found by its interpreter: site looks for pyvenv.cfg beside
/// it. One without that file (made by virtualenv before 20) is a home of its own.
PyStatus set_home(PyConfig& python, const VassalConfig& config) {
  const std::string& home = config.virtualenv;
  if (home.empty() || exists(home + "/pyvenv.cfg")) {
    const std::string program = home.empty() ? IMPERIUM_PYTHON : home + "/bin/python";
    if (const PyStatus s = set(python, &python.program_name, program);
        PyStatus_Exception(s))
      return s;
    return set(python, &python.executable, program);
  }
  return set(python, &python.home, home);
}

PyStatus set_arguments(PyConfig& python, const VassalConfig& config) {
  std::vector<std::string> words{"uwsgi"};
  words.insert(words.end(), config.pyargv.begin(), config.pyargv.end());
  std::vector<char*> argv;
  argv.reserve(words.size());
  for (std::string& word : words)
    argv.push_back(word.data());
  return PyConfig_SetBytesArgv(&python, static_cast<Py_ssize_t>(argv.size()),
                               argv.data());
}

PyStatus initialize(const VassalConfig& config) {
  PyPreConfig before;
  PyPreConfig_InitPythonConfig(&before);
  before.parse_argv = 0;
  before.coerce_c_locale = 0;
  if (const PyStatus s = Py_PreInitialize(&before); PyStatus_Exception(s)) return s;
  PyConfig python;
  PyConfig_InitPythonConfig(&python);
  python.parse_argv = 0;
  python.install_signal_handlers = 0;
  python.user_site_directory = 0;
  python.pathconfig_warnings = 0;
  PyStatus status = set_home(python, config);
  if (!PyStatus_Exception(status)) status = set_arguments(python, config);
  if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&python);
  PyConfig_Clear(&python);
  return status;
}

void put_in_front(PyObject* path, const std::string& directory) {
  const Ref text(PyUnicode_DecodeFSDefault(directory.c_str()));
  if (text) PyList_Insert(path, 0, text.get());
}

/// print() in an application shows up in the log when the line ends, not when 8 KiB are
/// full.
void buffer_lines(const char* stream) {
  PyObject* file = PySys_GetObject(stream);
  if (file == nullptr || file == Py_None) return;
  const Ref reconfigure(PyObject_GetAttrString(file, "reconfigure"));
  const Ref names(Py_BuildValue("{s:O}", "line_buffering", Py_True));
  const Ref none(PyTuple_New(0));
  if (reconfigure && names && none)
    Ref(PyObject_Call(reconfigure.get(), none.get(), names.get())).reset();
  PyErr_Clear();
}

void call_method(PyObject* object, const char* method) {
  if (object == nullptr || object == Py_None) return;
  const Ref result(PyObject_CallMethod(object, method, nullptr));
  if (!result) PyErr_Clear();
}

}  // namespace

std::optional<std::string> start_interpreter(const VassalConfig& config) {
  const PyStatus status = initialize(config);
  if (PyStatus_Exception(status) != 0)
    return std::string("python does not start: ") +
           (status.err_msg != nullptr ? status.err_msg : "unknown reason");
  PyObject* path = PySys_GetObject("path");
  put_in_front(path, ".");
  for (const std::string& directory : config.pythonpath)
    put_in_front(path, directory);
  buffer_lines("stdout");
  PyErr_Clear();
  return std::nullopt;
}

void flush_output() {
  call_method(PySys_GetObject("stdout"), "flush");
  call_method(PySys_GetObject("stderr"), "flush");
}

void finish_interpreter() {
  const Ref atexit(PyImport_ImportModule("atexit"));
  PyErr_Clear();
  call_method(atexit.get(), "_run_exitfuncs");
  flush_output();
}

}  // namespace vassal::python
