"""ASGI 3: many requests and WebSockets at once in one event loop.

Part of the python runtime's shared object (asgi.cc). What a connection can do without waiting is the
program's: `visit` and `visits` are its objects (visit.cc, asgi.cc). Here are the coroutines over them.
"""
import asyncio
import base64
import binascii
import collections
import concurrent.futures
import errno
import hashlib
import sys
import traceback

# An application that sends faster than its visitor reads waits above so many bytes.
MOST_UNSENT = 64 * 1024
# How long a visitor may take to answer a close frame.
CLOSE_PATIENCE = 5
# How long an application may take to end a WebSocket that was closed because the worker leaves.
LEAVE_PATIENCE = 5
READ, LEAVE = False, True
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NORMAL, NO_CODE, ABNORMAL, FAILED, RESTART = 1000, 1005, 1006, 1011, 1012


class Disconnected(OSError):
    """The visitor is gone: nothing can be sent to him."""


def complain(what):
    print(what, file=sys.stderr, flush=True)


def report(what):
    """The exception at hand, for the log."""
    complain(f"{what}:\n{traceback.format_exc().rstrip()}")


class Talk:
    """What Http and WebSocket have in common: an application at work for one visit."""

    def __init__(self, server, visit):
        self.server, self.visit, self.waiting = server, visit, []

    async def run(self, application, scope):
        failed = True
        try:
            await application(scope, self.receive, self.send)
            failed = False
        except (asyncio.CancelledError, GeneratorExit, Disconnected):
            pass
        except BaseException:  # SystemExit, too, is the application's failure and nobody else's
            report("the application failed")
        try:
            await self.end(failed)
        finally:
            self.visit.release()
            self.wake()  # a task that the application left behind hears that it is over

    async def changed_somehow(self):
        """Until the program says that something has changed."""
        change = self.server.loop.create_future()
        self.waiting.append(change)
        try:
            await change
        finally:
            self.waiting.remove(change)

    def wake(self):
        for change in self.waiting:
            if not change.done():
                change.set_result(None)

    async def taken(self, unsent):
        """Waits while the visitor is too far behind."""
        while unsent > MOST_UNSENT:
            await self.changed_somehow()
            unsent = self.visit.unsent()


class Http(Talk):
    def __init__(self, server, visit):
        super().__init__(server, visit)
        self.body_over = self.started = self.done = False
        self.body_error = 0  # why no more of the body comes: it is not whole

    changed = Talk.wake

    def leave(self):
        """It is finished in peace, if there is anybody to finish it for."""
        if not self.done and not self.waiting:
            self.visit.watch(LEAVE)

    async def receive(self):
        visit = self.visit
        while not self.body_over and not self.done and not self.body_error and not visit.gone():
            try:
                piece = visit.read()
            except OSError as e:
                self.body_error = e.errno
                break
            if piece is not None:
                self.body_over = not piece or visit.body_over()
                return {"type": "http.request", "body": piece, "more_body": not self.body_over}
            visit.watch(READ)
            await self.changed_somehow()
        while self.body_over and not self.done and not visit.gone():
            visit.watch(LEAVE)
            await self.changed_somehow()
        return {"type": "http.disconnect"}

    async def send(self, message):
        kind = message["type"]
        if self.done:
            raise RuntimeError(f"{kind} after the end of the answer")
        if kind == "http.response.body":
            await self.send_body(message)
        elif kind == "http.response.start":
            if self.started:
                raise RuntimeError("http.response.start for the second time")
            self.visit.start(message["status"], message.get("headers", ()))
            self.started = True
        else:
            raise RuntimeError(f"{kind} is not what an HTTP application sends")

    async def send_body(self, message):
        if not self.started:
            raise RuntimeError("http.response.body before http.response.start")
        more = message.get("more_body", False)
        unsent = self.visit.write(message.get("body", b""), more)
        if not more:
            self.done = True
            if self.waiting:
                self.wake()
        elif unsent > MOST_UNSENT:
            await self.taken(unsent)
        elif self.visit.gone():
            await asyncio.sleep(0)  # an endless answer to nobody must not hold up the others

    async def end(self, failed):
        if self.done:
            return
        if self.body_error == errno.EFBIG and not self.started:
            self.visit.start(413, [(b"content-type", b"text/plain")])
            self.visit.write(b"The request body is larger than this site takes.\n", False)
            return
        if not failed and not self.body_error and not self.visit.gone():
            complain("the application returned before " + ("the end of its answer" if self.started else "it answered"))
        self.visit.fail()


class WebSocket(Talk):
    CONNECTING, OPEN, CLOSING, CLOSED, REFUSED = range(5)

    def __init__(self, server, visit):
        super().__init__(server, visit)
        self.state = self.CONNECTING
        self.messages = collections.deque([{"type": "websocket.connect"}])
        self.why = None  # code and reason, once nothing more is received
        self.key = b""
        self.started = False

    # -- the handshake (RFC 6455, 4.2)

    def check(self, headers):
        """Notes the key. The headers of a refusal, or None."""
        headers = dict(headers)
        if headers.get(b"sec-websocket-version", b"").strip() != b"13":
            return 426, [(b"sec-websocket-version", b"13")]
        self.key = headers.get(b"sec-websocket-key", b"").strip()
        try:
            good = len(base64.b64decode(self.key, validate=True)) == 16
        except binascii.Error:
            good = False
        return None if good else (400, [])

    async def run(self, application, scope):
        refusal = self.check(scope["headers"])
        if not refusal:
            return await super().run(application, scope)
        try:
            self.refuse(*refusal)
        finally:
            self.visit.release()

    def refuse(self, status, headers=()):
        self.visit.start(status, headers)
        self.visit.write(b"", False)
        self.state = self.REFUSED

    def accept(self, message):
        digest = hashlib.sha1(self.key + GUID, usedforsecurity=False).digest()
        headers = [(b"sec-websocket-accept", base64.b64encode(digest))]
        protocol = message.get("subprotocol")
        if protocol is not None:
            headers.append((b"sec-websocket-protocol", protocol.encode("latin-1")))
        self.visit.accept(headers + [(name, value) for name, value in message.get("headers") or ()
                                     if name.lower() != b"sec-websocket-extensions"])
        self.state = self.OPEN
        if self.server.leaving:
            self.leave()
        elif not self.messages:
            self.visit.watch(READ)

    # -- what comes

    def changed(self):
        # Who does not take the answers to his pings is not asked for more.
        if self.state in (self.OPEN, self.CLOSING) and not self.messages and self.visit.unsent() <= MOST_UNSENT:
            self.hear()
        self.wake()

    def hear(self):
        """Reads once. While a message waits for the application, nothing further is read."""
        heard, why = self.visit.hear()
        if self.state == self.OPEN:
            self.messages.extend(heard)  # as they are: an event takes ten times what a short message does
        if why:
            self.state = self.CLOSED
            self.why = self.why or why
            self.visit.hang_up()
        elif not self.messages and self.visit.unsent() <= MOST_UNSENT:
            self.visit.watch(READ)

    async def receive(self):
        while not self.messages and not self.why:
            if self.visit.gone():
                self.why = ABNORMAL, ""
                break
            if self.state == self.CONNECTING:
                self.visit.watch(LEAVE)
            await self.changed_somehow()
        if not self.messages:
            return {"type": "websocket.disconnect", "code": self.why[0], "reason": self.why[1]}
        message = self.messages.popleft()
        if not self.messages and self.state in (self.OPEN, self.CLOSING):
            self.visit.watch(READ)
        if isinstance(message, dict):
            return message
        return {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}

    # -- what goes

    async def send(self, message):
        kind = message["type"]
        if self.state == self.CONNECTING:
            await self.answer(kind, message)
        elif kind == "websocket.send" and self.state == self.OPEN:
            data = message.get("bytes")
            await self.taken(self.visit.say(message["text"] if data is None else data))
            if self.visit.gone():
                self.why = self.why or (ABNORMAL, "")
                raise Disconnected("the WebSocket is closed")
        elif kind == "websocket.close" and self.state == self.OPEN:
            self.say_goodbye(message.get("code") or NORMAL, message.get("reason") or "")
        elif kind == "websocket.close" and self.why:
            pass
        elif kind == "websocket.send" and self.why:
            raise Disconnected("the WebSocket is closed")
        else:
            raise RuntimeError(f"{kind} cannot be sent now")

    async def answer(self, kind, message):
        if kind == "websocket.accept":
            self.accept(message)
        elif kind == "websocket.close":
            self.why = ABNORMAL, ""
            self.refuse(403)
        elif kind == "websocket.http.response.start" and not self.started:
            self.visit.start(message["status"], message.get("headers", ()))
            self.started = True
        elif kind == "websocket.http.response.body" and self.started:
            more = message.get("more_body", False)
            unsent = self.visit.write(message.get("body", b""), more)
            if more:
                await self.taken(unsent)
            else:
                self.why = ABNORMAL, ""
                self.state = self.REFUSED
        else:
            raise RuntimeError(f"{kind} cannot be sent before websocket.accept")
        if self.why:
            self.wake()  # another task of the application may be receiving

    def say_goodbye(self, code, reason=""):
        self.visit.close(code, reason)
        self.state = self.CLOSING
        self.why = code, reason
        self.messages.clear()
        self.visit.watch(READ)
        self.server.loop.call_later(CLOSE_PATIENCE, self.hang_up)
        self.wake()

    def hang_up(self):
        if self.state == self.CLOSING:
            self.state = self.CLOSED
            self.visit.hang_up()
            self.wake()

    def leave(self):
        if self.state == self.OPEN:
            self.say_goodbye(RESTART)

    async def end(self, failed):
        if self.state == self.CONNECTING:
            if not failed and not self.visit.gone():
                complain("the application returned before it accepted or refused the WebSocket")
            self.visit.fail()
        elif self.state == self.OPEN:
            self.say_goodbye(FAILED if failed else NORMAL)
        while self.state == self.CLOSING and not self.visit.gone():
            await self.changed_somehow()


class Lifespan:
    """One application's: begun before its first request, ended after its last."""

    def __init__(self, application):
        self.application, self.state, self.task, self.started = application, {}, None, False
        self.events, self.answers = asyncio.Queue(), asyncio.Queue()

    async def run(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self.application(scope, self.events.get, self.answers.put)
        except asyncio.CancelledError:
            raise
        except BaseException as e:
            if self.started:
                report("the application's lifespan failed")
            self.answers.put_nowait({"type": "raised", "message": f"{type(e).__name__}: {e}"})
        else:
            self.answers.put_nowait({"type": "returned", "message": "it returned"})

    async def say(self, event):
        """The application's answer to an event."""
        await self.events.put({"type": event})
        return await self.answers.get()

    async def start(self):
        """Why the application cannot serve, or None."""
        self.task = asyncio.ensure_future(self.run())
        answer = await self.say("lifespan.startup")
        if answer["type"] == "lifespan.startup.failed":
            return answer.get("message") or "lifespan.startup.failed"
        if answer["type"] != "lifespan.startup.complete":
            complain(f"the application takes no part in the lifespan ({answer['message']})")
            self.task = self.state = None
        self.started = True
        return None

    async def stop(self):
        if self.task is None or self.task.done():
            return
        answer = await self.say("lifespan.shutdown")
        if answer["type"] in ("lifespan.shutdown.failed", "raised"):
            complain(f"the application's shutdown failed: {answer.get('message', '')}")


class Server:
    """One worker's event loop and what runs in it."""

    def __init__(self, applications, threads):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        if threads > 1:
            self.loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(threads))
        self.applications, self.lifespans = applications, []
        self.tasks = {}  # what serves each visit
        self.visits = None
        self.looking = self.leaving = self.through = False
        self.timers = {}

    def start(self):
        """Why it cannot serve, or None."""
        return self.loop.run_until_complete(self.begin_lifespans())

    async def begin_lifespans(self):
        for application in self.applications:
            known = next((l for l in self.lifespans if l.application is application), None)
            self.lifespans.append(known or Lifespan(application))
            reason = None if known else await self.lifespans[-1].start()
            if reason:
                return reason
        return None

    def serve(self, visits):
        self.visits = visits
        self.loop.add_reader(visits.changes_fd(), self.on_changes)
        self.look_on()
        self.check()
        while not self.through and not self.loop.is_closed():
            try:
                self.loop.run_forever()
            except BaseException:
                report("the event loop was interrupted")
        self.forget(visits)
        if not self.loop.is_closed():
            self.loop.run_until_complete(self.finish())

    def forget(self, visits):
        """The program's objects end now; functions that run at exit may still turn the loop."""
        if not self.loop.is_closed():
            self.loop.remove_reader(visits.changes_fd())  # arrivals are not looked for any more
        for timer in self.timers.values():
            timer.cancel()
        for talk in list(self.tasks.values()):
            talk.visit.release()
        self.visits = None

    async def finish(self):
        for lifespan in dict.fromkeys(self.lifespans):
            await lifespan.stop()
        await self.loop.shutdown_asyncgens()

    # -- arrivals and changes

    def look_on(self):
        """Takes visits while there is room for them."""
        wanted = not self.leaving and not self.visits.full()
        if wanted and not self.looking:
            self.arrivals_fd = self.visits.arrivals_fd()
            self.loop.add_reader(self.arrivals_fd, self.on_arrivals)
        elif self.looking and not wanted:
            self.loop.remove_reader(self.arrivals_fd)
        self.looking = wanted

    def on_arrivals(self):
        self.visits.look()
        self.check()

    def on_changes(self):
        self.visits.heed()
        self.check()

    def check(self):
        """What the program has to tell, after each of its steps."""
        visits = self.visits
        while visit := visits.arrived():
            self.begin(visit)
        while talk := visits.changed():
            talk.changed()
        if visits.leaving() and not self.leaving:
            self.leave()
        self.look_on()
        if "tick" not in self.timers and visits.count():
            self.timers["tick"] = self.loop.call_later(1, self.tick)
        if self.leaving and not self.tasks and not visits.count():
            self.through = True
            self.loop.stop()

    def tick(self):
        del self.timers["tick"]
        self.visits.tick()
        if self.leaving:
            for task, talk in list(self.tasks.items()):
                if isinstance(talk, Http) and not talk.done and talk.visit.gone():
                    task.cancel()
        self.check()

    # -- visits

    def begin(self, visit):
        try:
            self.begin_talk(visit)
        except BaseException:
            report("a request cannot begin")
            visit.fail()
            visit.release()

    def begin_talk(self, visit):
        scope = visit.scope()
        state = self.lifespans[visit.app].state
        if state is not None:
            scope["state"] = state.copy()
        talk = visit.talk = (WebSocket if visit.websocket else Http)(self, visit)
        task = self.loop.create_task(talk.run(self.applications[visit.app], scope))
        self.tasks[task] = talk
        task.add_done_callback(self.ended)

    def ended(self, task):
        del self.tasks[task]
        if self.visits is not None:
            self.visits.flush_log()
            if self.leaving or not self.looking:
                self.check()

    def leave(self):
        """Nobody new; HTTP requests are finished, WebSockets are closed."""
        self.leaving = True
        for talk in list(self.tasks.values()):
            talk.leave()
        self.timers["give up"] = self.loop.call_later(LEAVE_PATIENCE, self.give_up_sockets)

    def give_up_sockets(self):
        for task, talk in list(self.tasks.items()):
            if isinstance(talk, WebSocket):
                task.cancel()
