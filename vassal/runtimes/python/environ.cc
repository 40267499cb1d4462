#include "vassal/runtimes/python/environ.h"

#include <algorithm>

namespace vassal::python {

namespace {

/// A client may send any names it likes: only so many are remembered.
constexpr size_t kMaxSlots = 256;
/// Longer values (cookies, tokens) rarely come again, and cost memory to keep.
constexpr size_t kMaxKept = 128;

/// Slots of what every request has, in the order in which the constructor makes them.
constexpr size_t kScriptName = 0;
constexpr size_t kPathInfo = 1;
constexpr size_t kContentLength = 2;
constexpr size_t kScheme = 3;
constexpr size_t kFixedCount = 4;

}  // namespace

EnvironMaker::EnvironMaker(std::vector<std::pair<Ref, Ref>> constants)
    : constants_(std::move(constants)),
      input_key_(PyUnicode_InternFromString("wsgi.input")) {
  // The index holds views of the names: the slots never move.
  slots_.reserve(kMaxSlots);
  for (const char* name :
       {"SCRIPT_NAME", "PATH_INFO", "CONTENT_LENGTH", "wsgi.url_scheme"})
    slots_.push_back({name, Ref(PyUnicode_InternFromString(name)), {}, Ref()});
}

EnvironMaker::Slot* EnvironMaker::slot_of(std::string_view name, size_t place) {
  if (place < by_place_.size() && slots_[by_place_[place]].name == name)
    return &slots_[by_place_[place]];
  uint32_t index;
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    index = known->second;
  } else {
    if (slots_.size() == kMaxSlots) return nullptr;
    PyObject* key = latin1(name).release();
    if (key == nullptr) return nullptr;
    PyUnicode_InternInPlace(&key);
    index = static_cast<uint32_t>(slots_.size());
    slots_.push_back({std::string(name), Ref(key), {}, Ref()});
    by_name_.emplace(slots_.back().name, index);
  }
  if (place >= by_place_.size()) by_place_.resize(place + 1, index);
  by_place_[place] = index;
  return &slots_[index];
}

bool EnvironMaker::put(PyObject* environ, Slot& slot, std::string_view value) {
  if (!slot.last_value || slot.last_text != value) {
    Ref text = latin1(value);
    if (!text) return false;
    if (value.size() > kMaxKept)
      return PyDict_SetItem(environ, slot.key.get(), text.get()) == 0;
    slot.last_text = value;
    slot.last_value = std::move(text);
  }
  return PyDict_SetItem(environ, slot.key.get(), slot.last_value.get()) == 0;
}

bool EnvironMaker::put_var(PyObject* environ, const wire::Var& var, size_t place) {
  if (Slot* slot = slot_of(var.key, place)) return put(environ, *slot, var.value);
  const Ref key = latin1(var.key);
  const Ref value = latin1(var.value);
  return key && value && PyDict_SetItem(environ, key.get(), value.get()) == 0;
}

Ref EnvironMaker::make(const Request& request, PyObject* input) {
  const size_t size = request.vars.size() + constants_.size() + kFixedCount + 1;
  Ref environ(_PyDict_NewPresized(static_cast<Py_ssize_t>(size + size / 2)));
  if (!environ) return environ;
  bool good = true;
  for (size_t i = 0; i < request.vars.size(); ++i)
    good = good && put_var(environ.get(), request.vars[i], i);
  good = good && put(environ.get(), slots_[kScriptName], request.script_name);
  good = good && put(environ.get(), slots_[kPathInfo], request.path_info);
  good = good && put(environ.get(), slots_[kScheme], request.scheme);
  if (!request.length_text.empty())
    good = good && put(environ.get(), slots_[kContentLength], request.length_text);
  // Last, so that no variable of that name replaces them.
  for (const auto& [key, value] : constants_)
    good = good && PyDict_SetItem(environ.get(), key.get(), value.get()) == 0;
  good = good && PyDict_SetItem(environ.get(), input_key_.get(), input) == 0;
  if (!good) environ.reset();
  return environ;
}

}  // namespace vassal::python
