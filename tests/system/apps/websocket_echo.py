"""A tenant's HTTP server with WebSockets, of the standard library alone. Listens on the socket it was started with
(LISTEN_FDS) or the address in its argument (HOST:PORT or a path).

  /ws        echoes frames; answers a close frame and then closes
  /push      sends ten frames at once, then echoes
  /bye       sends a frame and a close frame, and waits for the client to close
  /open      how many WebSockets there are
  /headers   the request as it came
  else       MARK, after SECONDS if the path is /slow/SECONDS

On SIGTERM it accepts no more and ends with its last WebSocket.
"""
import asyncio
import base64
import hashlib
import json
import os
import signal
import socket
import sys

MARK = os.environ.get("MARK", "echo")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
sockets, at_work, ending, calm = set(), set(), asyncio.Event(), asyncio.Event()


async def after(seconds):
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, passed.set)
    await passed.wait()


def frame(kind, data):
    size = len(data)
    width = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 1 << 16 else b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | kind]) + width + data


async def read_frame(reader):
    first, second = await reader.readexactly(2)
    size = second & 127
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    pad = (mask * (size // 4 + 1))[:size]
    return first & 15, (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


async def talk(path, reader, writer):
    if path == "/push":
        for i in range(10):
            writer.write(frame(1, b"push %d" % i))
    if path == "/bye":
        writer.write(frame(1, b"bye") + frame(8, b"\x03\xe8"))
        while (await read_frame(reader))[0] != 8:
            pass
        return await reader.read()  # until the client has closed
    while True:
        try:
            kind, data = await read_frame(reader)
        except asyncio.IncompleteReadError:
            writer.write(frame(1, b"half"))  # the client sends no more, but may still listen
            return
        writer.write(frame(kind, data))
        await writer.drain()
        if kind == 8:
            return


async def answer(path, fields, text, reader, writer):
    if path in ("/ws", "/push", "/bye") and fields.get("upgrade") == "websocket":
        accept = base64.b64encode(hashlib.sha1(fields["sec-websocket-key"].encode() + GUID).digest()).decode()
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        sockets.add(writer)
        try:
            await talk(path, reader, writer)
        finally:
            sockets.discard(writer)
        return False
    if path.startswith("/slow/"):
        await after(float(path[6:]))
    await reader.readexactly(int(fields.get("content-length", 0)))
    body = (str(len(sockets)) if path == "/open" else text if path == "/headers" else MARK).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), b"Connection: close\r\n" if ending.is_set() else b"") + body)
    return not ending.is_set()


async def serve(reader, writer):
    try:
        at_work.add(writer)  # until its first answer, and from each request on
        while True:
            text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *lines = text.strip().split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (l.partition(":") for l in lines)}
            at_work.add(writer)
            if not await answer(line.split(" ")[1], fields, text, reader, writer):
                break
            await writer.drain()
            at_work.discard(writer)
            look()
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
        at_work.discard(writer)
        look()


def look():
    if not at_work:
        calm.set()
    else:
        calm.clear()


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    if int(os.environ.get("LISTEN_PID", 0)) == os.getpid():
        server = await asyncio.start_server(serve, sock=socket.socket(fileno=3), limit=1 << 22)
    elif sys.argv[1].startswith("/"):
        server = await asyncio.start_unix_server(serve, sys.argv[1], limit=1 << 22)
        os.chmod(sys.argv[1], 0o666)
    else:
        host, _, port = sys.argv[1].rpartition(":")
        server = await asyncio.start_server(serve, host, int(port), limit=1 << 22)
    print(json.dumps({"serving": MARK}), flush=True)
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)
    await ending.wait()
    server.close()
    await after(0.1)  # whoever was let in has begun
    look()
    await calm.wait()


asyncio.run(main())
