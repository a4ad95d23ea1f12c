"""Writes what the real channels_redis puts on the wire, one line each: its name and its bytes in hex.

How the files beside this one were made, each with a redis-server of its own on port 7399:

    python3.9  -m venv era && era/bin/pip install channels_redis==3.4.1 channels==3.0.4 'Django<4' msgpack==1.1.2 cryptography
    era/bin/python capture.py 7399 > channels_redis-3.4.1.txt
    python3.11 -m venv now && now/bin/pip install channels_redis==4.3.0 msgpack==1.2.4 cryptography
    now/bin/python capture.py 7399 > channels_redis-4.3.0.txt
"""

import asyncio
import socket
import sys

import channels_redis
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

PORT = int(sys.argv[1])
HOSTS = [f"redis://127.0.0.1:{PORT}"]
KEYS = ["the first key", "the second key"]
POST = "d943e339-4f68-4bb8-8f25-b85f423f136b"
HTML = f'\n\n<div class="live-post" data-post-id="{POST}">\n    <div class="post-block">\u00dcn <b>&quot;1&quot;</b></div>\n</div>'
# As `DjangoChannelsPublisher.publish` makes them: a post, and its removal.
MESSAGES = {
    "post": {"type": "update", "renders": {POST: {"show": True, "content": HTML}}, "removals": []},
    "removal": {"type": "update", "renders": {}, "removals": [POST]},
}
# A consumer of this process, as `new_channel` names it. What differs from run to run are random prefixes and encryption.
CHANNEL = "specific.0123456789abcdef0123456789abcdef!fedcba9876543210fedcba9876543210"


def raw(*parts):
    """One command by hand, so that the answer has the bytes as they are."""
    with socket.create_connection(("127.0.0.1", PORT)) as connection:
        command = b"*%d\r\n" % len(parts)
        for part in parts:
            command += b"$%d\r\n%s\r\n" % (len(part), part)
        connection.sendall(command)
        return read(connection.makefile("rb"))


def read(stream):
    kind, number = (line := stream.readline())[:1], int(line[1:])
    if kind == b"$":
        return stream.read(number + 2)[:-2]
    return [read(stream) for _ in range(number)] if kind == b"*" else number


def subscribe(name):
    connection = socket.create_connection(("127.0.0.1", PORT))
    connection.sendall(b"*2\r\n$9\r\nSUBSCRIBE\r\n$%d\r\n%s\r\n" % (len(name), name))
    stream = connection.makefile("rb")
    read(stream)
    return stream


def say(name, data):
    print(name, data.hex())


async def core(label, **config):
    layer = RedisChannelLayer(hosts=HOSTS, **config)
    for name, message in MESSAGES.items():
        await layer.group_add("liveblog_GOLD", CHANNEL)
        await layer.group_send("liveblog_GOLD", message)
        inbox = b"asgi" + CHANNEL.split("!")[0].encode() + b"!"
        [member] = raw(b"ZRANGE", inbox, b"0", b"-1")
        say(f"{label}.{name}", member)
        raw(b"DEL", inbox)
    await layer.flush()


async def pubsub(label, **config):
    layer = RedisPubSubChannelLayer(hosts=HOSTS, **config)
    stream = subscribe(b"asgi__group__liveblog_GOLD")
    for name, message in MESSAGES.items():
        await layer.group_send("liveblog_GOLD", message)
        say(f"{label}.{name}", read(stream)[2])
    await layer.flush()


async def main():
    await core("core")
    await core("core.encrypted", symmetric_encryption_keys=KEYS)
    await pubsub("pubsub")
    if hasattr(channels_redis, "__version__") and channels_redis.__version__ >= "4":
        # Version 3 takes the keys there, and does not use them.
        await pubsub("pubsub.encrypted", symmetric_encryption_keys=KEYS)
        await core("core.json", serializer_format="json")
        await core("core.short", random_prefix_length=4)
        await pubsub("pubsub.json", serializer_format="json")


asyncio.run(main())
