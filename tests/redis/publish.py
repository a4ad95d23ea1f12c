import redis


def publish_post(post_id, html, revision, url="redis://127.0.0.1:6379/0"):
    """Shows a post on every open page of the blog. Call it after the commit."""
    with redis.from_url(url, socket_timeout=2) as server:
        key = f"{post_id}-{revision}"
        cursor, repeated = server.fcall(
            "live_publish", 1, "live:{blog}", key, "RENDER", post_id, html, "", revision
        )
        return cursor.decode()
