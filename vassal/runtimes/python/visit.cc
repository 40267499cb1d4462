#include "vassal/runtimes/python/visit.h"

#include <array>
#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "vassal/websocket.h"

namespace vassal::python {

namespace {

/// Read at once of a body, for one event.
constexpr size_t kPiece = 64 * 1024;
/// Read at once of a WebSocket: short messages take many times as much until the
/// application receives them.
constexpr size_t kFrames = 16 * 1024;

struct PyVisit {
  PyObject_HEAD Visit* visit;
  ScopeMaker* scopes;
  PyObject* talk;  // the object of asgi.py that serves it
  uint64_t max_message;
  std::unique_ptr<WebSocket> socket;
  bool websocket;
};

PyVisit* self_of(PyObject* object) {
  return reinterpret_cast<PyVisit*>(object);
}

/// Null with a Python error set once the visit is over.
Visit* visit_of(PyObject* object) {
  Visit* const visit = self_of(object)->visit;
  if (visit == nullptr)
    PyErr_SetString(PyExc_RuntimeError, "this request or WebSocket has ended");
  return visit;
}

PyObject* number(uint64_t value) {
  return PyLong_FromUnsignedLongLong(value);
}

// ---- the request

PyObject* visit_scope(PyObject* object, PyObject*) {
  Visit* const visit = visit_of(object);
  if (visit == nullptr) return nullptr;
  PyVisit& self = *self_of(object);
  return self.scopes->make(visit->exchange().request(), self.websocket).release();
}

PyObject* visit_app(PyObject* object, void*) {
  Visit* const visit = visit_of(object);
  return visit == nullptr ? nullptr : number(visit->exchange().app());
}

PyObject* visit_websocket(PyObject* object, void*) {
  return PyBool_FromLong(self_of(object)->websocket ? 1 : 0);
}

PyObject* visit_talk(PyObject* object, void*) {
  PyObject* const talk = self_of(object)->talk;
  return Py_NewRef(talk != nullptr ? talk : Py_None);
}

int set_talk(PyObject* object, PyObject* talk, void*) {
  Py_XINCREF(talk);
  Py_XSETREF(self_of(object)->talk, talk);
  return 0;
}

/// The next bytes of the body, b"" at its end, None while there are none.
PyObject* visit_read(PyObject* object, PyObject*) {
  Visit* const visit = visit_of(object);
  if (visit == nullptr) return nullptr;
  Exchange& exchange = visit->exchange();
  const auto left = exchange.body_left();
  if (left == 0) return PyBytes_FromStringAndSize(nullptr, 0);
  std::array<char, kPiece> piece;
  const ssize_t n = exchange.read_body(piece.data(), piece.size());
  if (n == -EAGAIN) Py_RETURN_NONE;
  if (n >= 0) return PyBytes_FromStringAndSize(piece.data(), n);
  errno = static_cast<int>(-n);
  return PyErr_SetFromErrno(PyExc_OSError);
}

PyObject* visit_body_over(PyObject* object, PyObject*) {
  Visit* const visit = visit_of(object);
  if (visit == nullptr) return nullptr;
  return PyBool_FromLong(visit->exchange().body_left() == 0 ? 1 : 0);
}

PyObject* visit_watch(PyObject* object, PyObject* leave) {
  Visit* const visit = visit_of(object);
  if (visit == nullptr) return nullptr;
  visit->watch(PyObject_IsTrue(leave) == 1 ? Visit::Watch::leave : Visit::Watch::read);
  Py_RETURN_NONE;
}

PyObject* visit_gone(PyObject* object, PyObject*) {
  const Visit* const visit = self_of(object)->visit;
  return PyBool_FromLong(visit == nullptr || visit->gone() ? 1 : 0);
}

PyObject* visit_unsent(PyObject* object, PyObject*) {
  Visit* const visit = self_of(object)->visit;
  return number(visit == nullptr || visit->gone() ? 0 : visit->push());
}

// ---- the answer

/// A bytes-like object for as long as it is looked at.
class Bytes {
 public:
  explicit Bytes(PyObject* object) {
    good_ = PyObject_GetBuffer(object, &view_, PyBUF_SIMPLE) == 0;
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() {
    if (good_) PyBuffer_Release(&view_);
  }
  explicit operator bool() const { return good_; }
  std::string_view text() const {
    return {static_cast<const char*>(view_.buf), static_cast<size_t>(view_.len)};
  }

 private:
  Py_buffer view_;
  bool good_;
};

bool add_header(ResponseHead& head, PyObject* pair) {
  const Ref both(PySequence_Fast(pair, "each header must be a pair of bytes"));
  if (!both) return false;
  if (PySequence_Fast_GET_SIZE(both.get()) != 2) {
    PyErr_SetString(PyExc_TypeError, "each header must be a pair of bytes");
    return false;
  }
  const Bytes name(PySequence_Fast_GET_ITEM(both.get(), 0));
  if (!name) return false;
  const Bytes value(PySequence_Fast_GET_ITEM(both.get(), 1));
  if (!value) return false;
  // How the body stands on the wire is not the application's to say.
  constexpr std::string_view kEncoding = "transfer-encoding";
  if (name.text().size() == kEncoding.size() &&
      PyOS_strnicmp(name.text().data(), kEncoding.data(), kEncoding.size()) == 0)
    return true;
  if (const char* wrong = head.add(name.text(), value.text())) {
    PyErr_Format(PyExc_ValueError, "header %R: %s", pair, wrong);
    return false;
  }
  return true;
}

bool fill_head(ResponseHead& head, const char* status, PyObject* headers) {
  if (const char* wrong = head.set_status(status)) {
    PyErr_Format(PyExc_ValueError, "status %s: %s", status, wrong);
    return false;
  }
  const Ref all(PyObject_GetIter(headers));
  if (!all) return false;
  while (const Ref pair{PyIter_Next(all.get())})
    if (!add_header(head, pair.get())) return false;
  return PyErr_Occurred() == nullptr;
}

/// start(status, headers)
PyObject* visit_start(PyObject* object, PyObject* args) {
  int status = 0;
  PyObject* headers = nullptr;
  Visit* const visit = visit_of(object);
  if (visit == nullptr || PyArg_ParseTuple(args, "iO", &status, &headers) == 0)
    return nullptr;
  if (status < 200 || status > 999)
    return PyErr_Format(PyExc_ValueError, "status %d: not one of an answer", status);
  const std::string line = std::to_string(status);
  if (!fill_head(visit->exchange().head(), line.c_str(), headers)) return nullptr;
  Py_RETURN_NONE;
}

/// write(data, more): a piece of the body, the last one if there are no more. What the
/// visitor has not taken yet, in bytes.
PyObject* visit_write(PyObject* object, PyObject* args) {
  PyObject* data = nullptr;
  int more = 0;
  Visit* const visit = visit_of(object);
  if (visit == nullptr || PyArg_ParseTuple(args, "Op", &data, &more) == 0) return nullptr;
  const Bytes bytes(data);
  if (!bytes) return nullptr;
  Exchange& exchange = visit->exchange();
  const bool whole = more == 0 && !exchange.head_sent();
  exchange.write(bytes.text(), whole);
  if (more != 0) return number(visit->gone() ? 0 : visit->push());
  exchange.finish();
  visit->close(Visit::Close::whole);
  return number(visit->gone() ? 0 : visit->push());
}

/// The application failed: a page of our own, or a cut answer.
PyObject* visit_fail(PyObject* object, PyObject*) {
  Visit* const visit = visit_of(object);
  if (visit == nullptr) return nullptr;
  const bool begun = visit->exchange().head_sent();
  visit->exchange().fail();
  visit->close(begun ? Visit::Close::cut : Visit::Close::whole);
  Py_RETURN_NONE;
}

PyObject* visit_release(PyObject* object, PyObject*) {
  PyVisit& self = *self_of(object);
  Visit* const visit = std::exchange(self.visit, nullptr);
  self.socket.reset();
  if (visit != nullptr) {
    visit->release();
    Py_CLEAR(self.talk);
    Py_DECREF(object);  // the visit's own reference
  }
  Py_RETURN_NONE;
}

// ---- the WebSocket

/// accept(headers): the answer to the handshake.
PyObject* visit_accept(PyObject* object, PyObject* headers) {
  Visit* const visit = visit_of(object);
  if (visit == nullptr) return nullptr;
  ResponseHead& head = visit->exchange().head();
  if (!fill_head(head, "101", headers)) return nullptr;
  head.add("Upgrade", "websocket");
  head.add("Connection", "Upgrade");
  self_of(object)->socket = std::make_unique<WebSocket>(self_of(object)->max_message);
  visit->exchange().finish();
  visit->switched();
  visit->push();
  Py_RETURN_NONE;
}

/// Sends what the WebSocket wants to say; the visitor's arrears.
PyObject* speak(Visit& visit, WebSocket& socket) {
  const std::string output = socket.take_output();
  if (!output.empty() && !visit.gone()) visit.send(output);
  return number(visit.gone() ? 0 : visit.push());
}

WebSocket* socket_of(PyObject* object) {
  if (visit_of(object) == nullptr) return nullptr;
  WebSocket* const socket = self_of(object)->socket.get();
  if (socket == nullptr)
    PyErr_SetString(PyExc_RuntimeError, "the WebSocket is not accepted");
  return socket;
}

Ref message_of(const WebSocket::Message& message) {
  const auto size = static_cast<Py_ssize_t>(message.data.size());
  return Ref(message.text ? PyUnicode_DecodeUTF8(message.data.data(), size, nullptr)
                          : PyBytes_FromStringAndSize(message.data.data(), size));
}

/// What has come: a list of str and bytes, then None if nothing more is going to come
/// (or the code and the reason of the end).
PyObject* visit_hear(PyObject* object, PyObject*) {
  WebSocket* const socket = socket_of(object);
  if (socket == nullptr) return nullptr;
  Visit& visit = *self_of(object)->visit;
  std::array<char, kFrames> piece;
  const ssize_t n = visit.receive(piece.data(), piece.size());
  if (n > 0) socket->feed({piece.data(), static_cast<size_t>(n)});
  const Ref list(PyList_New(0));
  if (!list) return nullptr;
  for (const WebSocket::Message& message : socket->take_messages()) {
    const Ref item = message_of(message);
    if (!item || PyList_Append(list.get(), item.get()) != 0) return nullptr;
  }
  if (!Ref(speak(visit, *socket))) return nullptr;
  const bool lost = n == 0 || (n < 0 && n != -EAGAIN) || visit.gone();
  Ref end = Ref::share(Py_None);
  if (const auto& ending = socket->ending())
    end = Ref(Py_BuildValue(
        "(iN)", static_cast<int>(ending->code),
        PyUnicode_DecodeUTF8(ending->reason.data(),
                             static_cast<Py_ssize_t>(ending->reason.size()), "replace")));
  else if (lost)
    end = Ref(Py_BuildValue("(is)", 1006, ""));
  return end ? PyTuple_Pack(2, list.get(), end.get()) : nullptr;
}

/// say(data): a message, text for a str. The visitor's arrears in bytes.
PyObject* visit_say(PyObject* object, PyObject* data) {
  WebSocket* const socket = socket_of(object);
  if (socket == nullptr) return nullptr;
  if (PyUnicode_Check(data)) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(data, &size);
    if (text == nullptr) return nullptr;
    socket->send(true, {text, static_cast<size_t>(size)});
  } else {
    const Bytes bytes(data);
    if (!bytes) return nullptr;
    socket->send(false, bytes.text());
  }
  return speak(*self_of(object)->visit, *socket);
}

/// close(code, reason): says good-bye; the visitor's answer is still to come.
PyObject* visit_close(PyObject* object, PyObject* args) {
  int code = 0;
  const char* reason = nullptr;
  Py_ssize_t size = 0;
  WebSocket* const socket = socket_of(object);
  if (socket == nullptr || PyArg_ParseTuple(args, "is#", &code, &reason, &size) == 0)
    return nullptr;
  if (code < 0 || code > 4999 ||
      !socket->close(static_cast<uint16_t>(code), {reason, static_cast<size_t>(size)}))
    return PyErr_Format(PyExc_ValueError, "close code %d cannot be sent", code);
  return speak(*self_of(object)->visit, *socket);
}

/// hang_up(): the connection ends once what was said is taken.
PyObject* visit_hang_up(PyObject* object, PyObject*) {
  if (Visit* const visit = self_of(object)->visit) visit->close(Visit::Close::whole);
  Py_RETURN_NONE;
}

void dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyVisit& self = *self_of(object);
  Py_XDECREF(self.talk);
  self.socket.~unique_ptr();
  type->tp_free(object);
  Py_DECREF(type);
}

}  // namespace

PyTypeObject* make_visit_type() {
  static PyMethodDef methods[] = {
      {"scope", visit_scope, METH_NOARGS, nullptr},
      {"read", visit_read, METH_NOARGS, nullptr},
      {"body_over", visit_body_over, METH_NOARGS, nullptr},
      {"watch", visit_watch, METH_O, nullptr},
      {"gone", visit_gone, METH_NOARGS, nullptr},
      {"unsent", visit_unsent, METH_NOARGS, nullptr},
      {"start", visit_start, METH_VARARGS, nullptr},
      {"write", visit_write, METH_VARARGS, nullptr},
      {"fail", visit_fail, METH_NOARGS, nullptr},
      {"release", visit_release, METH_NOARGS, nullptr},
      {"accept", visit_accept, METH_O, nullptr},
      {"hear", visit_hear, METH_NOARGS, nullptr},
      {"say", visit_say, METH_O, nullptr},
      {"close", visit_close, METH_VARARGS, nullptr},
      {"hang_up", visit_hang_up, METH_NOARGS, nullptr},
      {nullptr, nullptr, 0, nullptr},
  };
  static PyGetSetDef attributes[] = {
      {"app", visit_app, nullptr, nullptr, nullptr},
      {"websocket", visit_websocket, nullptr, nullptr, nullptr},
      {"talk", visit_talk, set_talk, nullptr, nullptr},
      {nullptr, nullptr, nullptr, nullptr, nullptr},
  };
  static PyType_Slot slots[] = {
      {Py_tp_methods, methods},
      {Py_tp_getset, attributes},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {0, nullptr},
  };
  static PyType_Spec spec = {"imperium.Visit", sizeof(PyVisit), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

Ref new_visit(PyTypeObject* type,
              ScopeMaker& scopes,
              Visit& visit,
              uint64_t max_message) {
  Ref object(type->tp_alloc(type, 0));
  if (!object) return object;
  PyVisit& self = *self_of(object.get());
  new (&self.socket) std::unique_ptr<WebSocket>;
  self.visit = &visit;
  self.scopes = &scopes;
  self.max_message = max_message;
  self.websocket = visit.two_way() && asks_for_websocket(visit.exchange().request());
  visit.owner = Py_NewRef(object.get());
  return object;
}

PyObject* talk_of(PyObject* visit) {
  return self_of(visit)->talk;
}

}  // namespace vassal::python
