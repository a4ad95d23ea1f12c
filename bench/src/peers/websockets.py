"""Wagtail Live's publisher on websockets, as it is made, with today's library. Its Redis is left out, in its favour: updates come line by
line on standard input."""
import asyncio
import logging
import sys
from collections import defaultdict

import websockets

GROUPS = defaultdict(set)


async def broadcast(message, connections):
    await asyncio.wait([asyncio.create_task(connection.send(message)) for connection in connections])


async def read(websocket):
    group = GROUPS["group_" + websocket.request.path.split("/")[-2]]
    group.add(websocket)
    try:
        # In the place of Live's hello.
        await websocket.send("{}")
        await websocket.wait_closed()
    finally:
        group.discard(websocket)


async def main():
    # It reports whoever connects and leaves, as the look whether it listens does.
    logging.disable()
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with websockets.serve(read, "127.0.0.1", int(sys.argv[1]), ping_interval=None):
        while line := await lines.readline():
            await broadcast(line.decode().rstrip(), GROUPS["group_0"])


asyncio.run(main())
