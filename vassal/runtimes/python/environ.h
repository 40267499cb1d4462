// Environ: the dictionary of one request (PEP 3333), made fast.
//
// Names are str objects made once; a value equal to that of the request before is the
// same str again: most of what nginx sends does not change. Names are looked up by their
// place in the packet before, then by hash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vassal/request.h"
#include "vassal/runtimes/python/ref.h"

namespace vassal::python {

class EnvironMaker {
 public:
  /// `constants`: entries that every environ has, such as wsgi.version.
  explicit EnvironMaker(std::vector<std::pair<Ref, Ref>> constants);

  /// A new dict; null with a Python error set when memory is short.
  Ref make(const Request& request, PyObject* input);

 private:
  struct Slot {
    std::string name;
    Ref key;
    std::string last_text;
    Ref last_value;
  };

  Slot* slot_of(std::string_view name, size_t place);
  bool put(PyObject* environ, Slot& slot, std::string_view value);
  bool put_var(PyObject* environ, const wire::Var& var, size_t place);

  std::vector<std::pair<Ref, Ref>> constants_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string_view, uint32_t> by_name_;
  std::vector<uint32_t> by_place_;
  Ref input_key_;
};

}  // namespace vassal::python
