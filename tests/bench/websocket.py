"""WebSockets, as little as a benchmark needs: an echo server as a node, and clients that are held."""
import asyncio
import base64
import hashlib
import os
import struct
import sys
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


async def read_frame(reader):
    """(opcode, payload), unmasked."""
    first, second = await reader.readexactly(2)
    size = second & 127
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    mask = await reader.readexactly(4) if second & 128 else b""
    payload = await reader.readexactly(size)
    if mask:
        payload = bytes(c ^ mask[i & 3] for i, c in enumerate(payload))
    return first & 15, payload


def frame(payload, opcode=1, masked=False):
    """A final frame of less than 126 bytes."""
    head = struct.pack("!BB", 128 | opcode, (128 if masked else 0) | len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(c ^ mask[i & 3] for i, c in enumerate(payload))


async def serve_one(reader, writer):
    """Answers plain requests with hello, and echoes after an upgrade."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            fields = {k.strip().lower(): v.strip() for k, _, v in (line.partition(b":") for line in head[1:] if line)}
            if fields.get(b"upgrade", b"").lower() != b"websocket":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
                continue
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept_key(fields[b"sec-websocket-key"]) + b"\r\n\r\n")
            while True:
                opcode, payload = await read_frame(reader)
                writer.write(frame(payload, opcode))
                if opcode == 8:
                    return
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(address):
    host, port = address.rsplit(":", 1)
    server = await asyncio.start_server(serve_one, host, int(port), backlog=4096)
    async with server:
        await server.serve_forever()


async def open_one(address, name):
    """An upgraded connection (reader, writer); anything but 101 is an error."""
    reader, writer = await asyncio.open_connection(*address)
    key = base64.b64encode(os.urandom(16))
    writer.write(f"GET /ws HTTP/1.1\r\nHost: {name}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 f"Sec-WebSocket-Key: {key.decode()}\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    if b" 101 " not in head.split(b"\r\n", 1)[0] or accept_key(key) not in head:
        raise ConnectionError(f"no upgrade: {head[:80]!r}")
    return reader, writer


async def echo(connection, payload=b"tick"):
    """Seconds of one round trip."""
    reader, writer = connection
    start = time.monotonic()
    writer.write(frame(payload, masked=True))
    opcode, back = await asyncio.wait_for(read_frame(reader), 20)
    if (opcode, back) != (1, payload):
        raise ConnectionError(f"not an echo: {opcode} {back!r}")
    return time.monotonic() - start


async def hold(address, name, count, measure, rounds):
    """Opens `count` of them, calls measure(), then `rounds` round trips on each in turn: (what it said, seconds)."""
    held = []
    for _ in range(count):
        held.append(await open_one(address, name))
    for connection in held:
        await echo(connection)
    found = measure()
    took = [await echo(connection) for _ in range(rounds) for connection in held]
    for _, writer in held:
        writer.close()
    return found, took


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
