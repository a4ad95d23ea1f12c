"""Wagtail Live's publisher on Starlette, as it is made, with today's libraries. Its Redis is left out, in its favour: updates come line by
line on standard input."""
import asyncio
import contextlib
import json
import sys
from collections import defaultdict

import uvicorn
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute

GROUPS = defaultdict(set)


async def broadcast(message, connections):
    message = json.loads(message)
    await asyncio.wait([asyncio.create_task(connection.send_json(message)) for connection in connections])


class LivePage(WebSocketEndpoint):
    encoding = "json"

    async def on_connect(self, websocket):
        await websocket.accept()
        self.group = GROUPS["group_" + websocket.path_params["channel_id"]]
        self.group.add(websocket)
        # In the place of Live's hello.
        await websocket.send_text("{}")

    async def on_disconnect(self, websocket, close_code):
        self.group.discard(websocket)


async def follow_input():
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        await broadcast(line.decode(), GROUPS["group_0"])


@contextlib.asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(follow_input())
    yield
    task.cancel()


app = Starlette(routes=[WebSocketRoute("/ws/channel/{channel_id:str}/", LivePage)], lifespan=lifespan)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False, ws_ping_interval=None)
