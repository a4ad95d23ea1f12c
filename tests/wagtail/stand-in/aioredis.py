"""What became of aioredis 2, under its old name: Wagtail Live's Redis publishers import that, and Python 3.11 cannot import it."""
from redis.asyncio import *  # noqa: F401,F403
