// Core: calls the application for one request after the other (PEP 3333).
#pragma once

#include <span>
#include <vector>

#include "vassal/runtime.h"
#include "vassal/runtimes/python/environ.h"
#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

/// The types that requests are served with, made once per interpreter.
struct Types {
  PyTypeObject* input = nullptr;
  PyTypeObject* start_response = nullptr;
  PyTypeObject* file_wrapper = nullptr;
};

class Core final : public RuntimeCore {
 public:
  Core(const Types& types, std::span<const Ref> applications, const VassalConfig& config);

  void serve(Exchange& exchange) override;

 private:
  bool run(Exchange& exchange);
  bool send_result(Exchange& exchange, PyObject* result);
  bool send_items(Exchange& exchange, PyObject* result);
  bool send_iterable(Exchange& exchange, PyObject* result);
  bool send_file(Exchange& exchange, PyObject* result, bool& done) const;
  void take_back();

  const Types& types_;
  std::span<const Ref> applications_;
  EnvironMaker environ_;
  Ref input_;
  Ref start_response_;
  Ref close_name_;
};

}  // namespace vassal::python
