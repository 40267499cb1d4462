// The python runtime: the one symbol that vassal looks up, and what stands behind it.
#include "vassal/runtime.h"

#include <malloc.h>

#include <memory>
#include <vector>

#include "vassal/runtimes/python/asgi.h"
#include "vassal/runtimes/python/core.h"
#include "vassal/runtimes/python/file_wrapper.h"
#include "vassal/runtimes/python/input.h"
#include "vassal/runtimes/python/interpreter.h"
#include "vassal/runtimes/python/load.h"
#include "vassal/runtimes/python/start_response.h"

namespace vassal::python {

namespace {

constexpr unsigned long kNever = 3'600'000'000;  // microseconds

class PythonRuntime final : public Runtime {
 public:
  std::optional<std::string> load(const VassalConfig& config) override {
    if (auto reason = start_interpreter(config)) return reason;
    types_ = {make_input_type(), make_start_response_type(), make_file_wrapper_type()};
    Loaded loaded = load_applications(config);
    // Before a fork doubles it, or the process ends for want of an application.
    flush_output();
    if (!loaded.reason.empty()) return std::move(loaded.reason);
    if (loaded.asgi) {
      asgi_ = std::make_unique<Asgi>();
      if (auto reason = asgi_->load(config)) return reason;
    }
    applications_ = std::move(loaded.applications);
    config_ = &config;
    return std::nullopt;
  }

  void settle() override {
    // What is alive now stays: the collector must not write to its pages, or every worker
    // gets a copy of its own.
    PyGC_Collect();
    const Ref gc(PyImport_ImportModule("gc"));
    const Ref frozen(gc ? PyObject_CallMethod(gc.get(), "freeze", nullptr) : nullptr);
    PyErr_Clear();
    ::malloc_trim(0);
    // The master never gives the interpreter up, so that threads that the application
    // started while it was loaded do not run here. They would ask for it every 5 ms.
    switch_interval_ = _PyEval_GetSwitchInterval();
    _PyEval_SetSwitchInterval(kNever);
  }

  void before_fork() override {
    if (loaded()) PyOS_BeforeFork();
  }
  void after_fork_in_parent() override {
    if (loaded()) PyOS_AfterFork_Parent();
  }
  void after_fork_in_child(uint32_t) override {
    // With lazy-apps the interpreter was born in the worker: there was no fork for it.
    if (!forked_) return;
    PyOS_AfterFork_Child();
    _PyEval_SetSwitchInterval(switch_interval_);
  }

  bool many_at_once() const override { return asgi_ != nullptr; }
  std::optional<std::string> start() override {
    auto reason = asgi_->start(applications_);
    flush_output();
    return reason;
  }
  void serve(Visits& visits) override { asgi_->serve(visits); }

  std::unique_ptr<RuntimeCore> make_core() override {
    return std::make_unique<Core>(types_, applications_, *config_);
  }

  void* release() override { return PyEval_SaveThread(); }
  void acquire(void* token) override {
    PyEval_RestoreThread(static_cast<PyThreadState*>(token));
  }
  void enter_thread() override { thread_state = PyGILState_Ensure(); }
  void leave_thread() override { PyGILState_Release(thread_state); }

  void finish() override { finish_interpreter(); }

 private:
  bool loaded() {
    forked_ = config_ != nullptr;
    return forked_;
  }

  static thread_local PyGILState_STATE thread_state;

  Types types_;
  std::vector<Ref> applications_;
  std::unique_ptr<Asgi> asgi_;  // if that is what they speak
  const VassalConfig* config_ = nullptr;
  unsigned long switch_interval_ = 0;  // microseconds
  bool forked_ = false;
};

thread_local PyGILState_STATE PythonRuntime::thread_state = PyGILState_UNLOCKED;

}  // namespace

}  // namespace vassal::python

extern "C" __attribute__((visibility("default"))) vassal::Runtime* imperium_make_runtime(
    uint32_t abi) {
  return abi == vassal::kRuntimeAbi ? new vassal::python::PythonRuntime : nullptr;
}
