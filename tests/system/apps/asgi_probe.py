"""An ASGI application of the standard library alone: what a server can do wrong, one path each.

HTTP       /hello /scope /pid /state /held (until /open) /waiting /stream (a piece per /open) /echo /sum /size /unread
           /gone (notes a disconnect) /after /seen (the notes) /boom /boom-later /exit /never /forged /flood /thread
WebSocket  /ws (echo) /refused /denied /never /boom-early /push /bye /return /boom /flood /deaf (until /open)
"""
import asyncio
import hashlib
import json
import os

gate = asyncio.Event()
seen = []
waiting = 0


def shown(value):
    return value.decode("latin-1") if isinstance(value, bytes) else repr(value)


async def answer(send, body=b"", status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain"), *headers]})
    await send({"type": "http.response.body", "body": body})


async def body_of(receive):
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            seen.append("disconnect in the body")
            return None
        body, more = body + message["body"], message.get("more_body", False)
    return body


async def pass_gate():
    global waiting
    waiting += 1
    await gate.wait()
    waiting -= 1


async def http(scope, receive, send):
    global gate
    path = scope["path"]
    if path == "/hello":
        await answer(send, b"hello")
    elif path.endswith("/scope"):
        await answer(send, json.dumps(scope, default=shown).encode())
    elif path == "/pid":
        await answer(send, b"%d" % os.getpid())
    elif path == "/held":
        await pass_gate()
        await answer(send, b"let go")
    elif path == "/waiting":
        await answer(send, b"%d" % waiting)
    elif path == "/open":
        gate.set()
        gate = asyncio.Event()
        await answer(send)
    elif path == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        for i in range(3):
            await pass_gate()
            await send({"type": "http.response.body", "body": b"piece %d\n" % i, "more_body": True})
        await send({"type": "http.response.body", "body": b"the end\n"})
    elif path == "/echo":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                seen.append("disconnect in the body")
                return
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"], "more_body": more})
    elif path == "/sum":
        await answer(send, hashlib.sha1(await body_of(receive)).hexdigest().encode())
    elif path == "/size":
        await answer(send, b"%d" % len(await body_of(receive)))
    elif path == "/unread":
        await answer(send, b"unread")
    elif path == "/gone":
        await body_of(receive)
        message = await receive()
        seen.append(message["type"])
    elif path == "/after":
        await body_of(receive)
        await answer(send, b"after")
        seen.append("after " + (await receive())["type"])
    elif path == "/seen":
        await answer(send, json.dumps(seen).encode())
    elif path == "/boom":
        raise ValueError("boom before the answer")
    elif path == "/boom-later":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some of it", "more_body": True})
        raise ValueError("boom in the answer")
    elif path == "/exit":
        raise SystemExit(3)
    elif path == "/never":
        return
    elif path == "/forged":
        await answer(send, headers=[(b"x-a", b"1\r\nx-b: 2")])
    elif path == "/flood":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for i in range(1024):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            seen[:] = [i]
        await send({"type": "http.response.body"})
    elif path == "/thread":
        await answer(send, (await asyncio.get_running_loop().run_in_executor(None, lambda: "from a thread")).encode())
    elif path == "/state":
        await answer(send, json.dumps(scope.get("state"), default=repr).encode())
    else:
        await answer(send, b"no such path", 404)


async def websocket(scope, receive, send):
    path = scope["path"]
    assert (await receive())["type"] == "websocket.connect"
    if path == "/refused":
        return await send({"type": "websocket.close"})
    if path == "/denied":
        await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Basic")]})
        return await send({"type": "websocket.http.response.body", "body": b"who are you"})
    if path == "/never":
        return
    if path == "/boom-early":
        raise ValueError("boom in the handshake")
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"][1:]), None), "headers": [(b"x-probe", b"yes")]})
    if path == "/push":
        for i in range(10):
            await send({"type": "websocket.send", "text": f"push {i}"})
    elif path == "/bye":
        return await send({"type": "websocket.close", "code": 3001, "reason": "that is all"})
    elif path == "/return":
        return
    elif path == "/boom":
        raise ValueError("boom in a WebSocket")
    elif path == "/flood":
        for i in range(1024):
            await send({"type": "websocket.send", "bytes": b"x" * 65536})
            seen[:] = [i]
    elif path == "/deaf":
        await pass_gate()
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            seen.append([message["code"], message["reason"]])
            return
        await send({"type": "websocket.send", **{k: message[k] for k in ("text", "bytes") if message.get(k) is not None}})


async def lifespan(scope, receive, send):
    if os.environ.get("LIFESPAN") == "none":
        raise NotImplementedError("no lifespan here")
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            if os.environ.get("LIFESPAN") == "failed":
                return await send({"type": "lifespan.startup.failed", "message": "the database is away"})
            scope["state"]["started"] = os.getpid()
            await send({"type": "lifespan.startup.complete"})
        else:
            print("shutdown was heard", flush=True)
            return await send({"type": "lifespan.shutdown.complete"})


async def application(scope, receive, send):
    await {"http": http, "websocket": websocket, "lifespan": lifespan}[scope["type"]](scope, receive, send)
