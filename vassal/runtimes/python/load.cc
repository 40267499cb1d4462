#include "vassal/runtimes/python/load.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "vassal/runtimes/python/failure.h"
#include "vassal/runtimes/python/interface.h"

namespace vassal::python {

namespace {

constexpr size_t kMaxSource = 16 << 20;

/// "site/app.py" is module uwsgi_file_site_app_py, as under uWSGI: pickles may hold that
/// name.
std::string module_name(std::string_view path) {
  std::string name = "uwsgi_file_" + std::string(path);
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

Ref module_of_file(const std::string& path) {
  const auto source = base::read_file(path, kMaxSource);
  if (!source) {
    PyErr_SetString(PyExc_ImportError, source.error().message().c_str());
    return Ref();
  }
  if (source->find('\0') != std::string::npos) {
    PyErr_Format(PyExc_ImportError, "%s holds null bytes: it is not a Python source",
                 path.c_str());
    return Ref();
  }
  const Ref code(
      Py_CompileStringExFlags(source->c_str(), path.c_str(), Py_file_input, nullptr, -1));
  if (!code) return Ref();
  return Ref(
      PyImport_ExecCodeModuleEx(module_name(path).c_str(), code.get(), path.c_str()));
}

/// "app", "pkg.app" (attributes of attributes), "make_app()".
Ref callable_of(PyObject* module, std::string name) {
  const bool factory = name.ends_with("()");
  if (factory) name.resize(name.size() - 2);
  Ref found = Ref::share(module);
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    found =
        Ref(PyObject_GetAttrString(found.get(), name.substr(begin, end - begin).c_str()));
    if (!found) return Ref();
    begin = end + 1;
  }
  if (factory) found = Ref(PyObject_CallNoArgs(found.get()));
  if (found && PyCallable_Check(found.get()) == 0) {
    PyErr_Format(PyExc_TypeError, "'%s' is not callable", name.c_str());
    return Ref();
  }
  return found;
}

Ref load_file(const std::string& path, const std::string& callable) {
  const Ref module = module_of_file(path);
  return module ? callable_of(module.get(), callable) : Ref();
}

/// "pkg.mod", "pkg.mod:callable", "pkg.mod:factory()"
Ref load_module(const std::string& target, const std::string& callable) {
  const size_t colon = target.find(':');
  const Ref module(PyImport_ImportModule(target.substr(0, colon).c_str()));
  if (!module) return Ref();
  return callable_of(module.get(),
                     colon == std::string::npos ? callable : target.substr(colon + 1));
}

bool is_file(std::string_view target) {
  return target.ends_with(".py") || target.ends_with(".wsgi") || target.starts_with('/');
}

Ref load_mount(const Mount& mount, const std::string& callable) {
  return is_file(mount.target) ? load_file(mount.target, callable)
                               : load_module(mount.target, callable);
}

bool keep(Loaded& loaded, Ref application) {
  if (!application) {
    loaded.reason = report_failure();
    return false;
  }
  loaded.applications.push_back(std::move(application));
  return true;
}

/// One worker serves by one interface: which. Refuses what it cannot serve.
void choose_interface(Loaded& loaded, Interface wanted) {
  size_t asgi = 0;
  for (const Ref& application : loaded.applications) {
    const Looks looks = looks_of(application.get());
    if (looks == Looks::asgi2 && wanted != Interface::wsgi)
      loaded.reason =
          "the application is to be called with the scope alone, as in ASGI 2: only ASGI "
          "3 is served (asgiref.compatibility.guarantee_single_callable makes one of it)";
    if (looks == Looks::asgi) ++asgi;
  }
  if (wanted == Interface::automatic && asgi != 0 && asgi != loaded.applications.size())
    loaded.reason =
        "some of the applications are WSGI and some ASGI: all of a vassal have to be of "
        "one interface";
  loaded.asgi =
      wanted == Interface::asgi || (wanted == Interface::automatic && asgi != 0);
}

bool load_all(Loaded& loaded, const VassalConfig& config) {
  if (!config.wsgi_file.empty()) {
    if (!keep(loaded, load_file(config.wsgi_file, config.callable))) return false;
  } else if (!config.module.empty()) {
    if (!keep(loaded, load_module(config.module, config.callable))) return false;
  }
  for (const Mount& mount : config.mounts)
    if (!keep(loaded, load_mount(mount, config.callable))) return false;
  if (loaded.applications.empty())
    loaded.reason = "no application: neither wsgi-file, module nor mount is set";
  return loaded.reason.empty();
}

}  // namespace

Loaded load_applications(const VassalConfig& config) {
  Loaded loaded;
  if (load_all(loaded, config)) choose_interface(loaded, config.interface);
  return loaded;
}

}  // namespace vassal::python
