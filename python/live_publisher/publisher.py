"""
Publishes the posts of a Wagtail Live site to Live, by HTTP. It needs nothing beside Wagtail Live.

    WAGTAIL_LIVE_PUBLISHER = "live_publisher.LivePublisher"

LIVE_SERVER           where Live is, with its prefix if it has one; else WAGTAIL_LIVE_SERVER_HOST and _PORT say it
LIVE_PUBLISH_TOKEN    the token that `live serve` was started with
LIVE_PUBLISH_TIMEOUT  seconds for which a save may wait for Live; 5 by default
LIVE_PUBLISH_RAISES   True: a save whose publishing failed raises `LiveError`; by default that is an error in the log
"""
import json
import logging
import random
import threading
import time
import uuid
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from http.client import HTTPException
from urllib.parse import quote
from urllib.request import HTTPErrorProcessor, Request, build_opener

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from wagtail_live.publishers.utils import get_live_server_host, get_live_server_port
from wagtail_live.publishers.websocket import BaseWebsocketPublisher

logger = logging.getLogger(__name__)

# Seconds beyond the time-out in which an attempt can still say why it failed.
GRACE = 0.5
# Bytes of an answer that are read: Live's are far smaller.
LONGEST_ANSWER = 65_536


class LivePublisher(BaseWebsocketPublisher):
    """Sends each update to Live."""

    def __init__(self):
        # As the site starts, rather than when somebody saves.
        if not server().startswith(("http://", "https://")):
            raise ImproperlyConfigured("LIVE_SERVER must begin with http:// or https://")
        if not all("!" <= character <= "~" for character in token()):
            raise ImproperlyConfigured("LIVE_PUBLISH_TOKEN must be visible ASCII without spaces")

    def __call__(self, sender, channel_id, renders, removals, **kwargs):
        """As the base class, but with the place of each post, and without the content of those that are hidden."""

        renders = {post.id: render(post) for post in renders}
        return self.publish(channel_id=channel_id, renders=renders, removals=removals)

    def publish(self, channel_id, renders, removals):
        """See base class."""

        if not channel_id or not (renders or removals):
            return
        try:
            send(channel_id, {"renders": renders, "removals": list(removals)})
        except LiveError as error:
            # The post is saved. An exception here would have an editor, or a messaging app, save it a second time.
            if getattr(settings, "LIVE_PUBLISH_RAISES", False):
                raise
            logger.error("Not published to the readers of %s: %s", channel_id, error)


def render(post):
    """What Live is told of a post."""

    place = {"sort": microseconds(post.value["created"])} if post.value["created"] else {}
    if not post.value["show"]:
        return {"show": False, **place}
    return {"show": True, "content": post.render(context={"block_id": post.id}), **place}


def microseconds(moment):
    """
    Since 1970, the unit of places: Live gives one of now to a post that comes without.

    Whole milliseconds of it, because that is what the original keeps.
    """

    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + moment.microsecond // 1_000 * 1_000


class LiveError(Exception):
    """
    Live has not taken an update.

    Attributes:
        status (int): what it answered, if it answered.
        may_pass (bool): the same may work later: Live is away, or overloaded. It may also have been stored, so
            repeat it with the same key.
    """

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status
        self.may_pass = status is None or status >= 500


def send(channel_id, update, key=None):
    """
    Sends an update, again and again until Live has it or the time is up.

    Args:
        channel_id (str): the page.
        update (dict): what is sent, as docs/protocol.md has it.
        key (str): names this update, so that it takes effect once however often it is sent; a random one by default.

    Returns:
        dict: Live's answer, with the `cursor` and the `version` of the update.

    Raises:
        LiveError: within LIVE_PUBLISH_TIMEOUT and half a second, whatever Live and the network do.
    """

    seconds = getattr(settings, "LIVE_PUBLISH_TIMEOUT", 5)
    request = make_request(channel_id, update, key or uuid.uuid4().hex)
    outcome = Future()
    # urllib's own time-out is for each step: a name that does not resolve and an answer that trickles in know none.
    # The thread is left behind then. It is a daemon, so that it does not keep the process from ending.
    until = time.monotonic() + seconds
    threading.Thread(target=deliver, args=(request, until, outcome), daemon=True).start()
    try:
        return outcome.result(seconds + GRACE)
    except NotDone:
        raise LiveError(f"{request.full_url}: no answer within {seconds} s") from None


def server():
    return getattr(settings, "LIVE_SERVER", f"http://{get_live_server_host()}:{get_live_server_port()}").rstrip("/")


def token():
    return getattr(settings, "LIVE_PUBLISH_TOKEN", "")


def make_request(channel_id, update, key):
    url = f"{server()}/publish/{quote(channel_id, safe='')}/"
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    if token():
        headers["Authorization"] = f"Bearer {token()}"
    return Request(url, json.dumps(update).encode(), headers, method="POST")


def deliver(request, until, outcome):
    """Tries until Live answers for good, or the time is up."""

    while True:
        try:
            return outcome.set_result(ask(request, max(until - time.monotonic(), 0.001)))
        except LiveError as error:
            # Random, so that the processes of a site do not all come back at once.
            pause = random.uniform(0.05, 0.5)
            if not error.may_pass or time.monotonic() + pause >= until:
                return outcome.set_exception(error)
        except Exception as error:
            return outcome.set_exception(error)
        time.sleep(pause)


def ask(request, seconds):
    """Sends the request once."""

    url = request.full_url
    try:
        with OPENER.open(request, timeout=seconds) as answer:
            status, body = answer.status, answer.read(LONGEST_ANSWER)
    except (OSError, HTTPException) as error:
        raise LiveError(f"{url}: {getattr(error, 'reason', error) or 'no answer'}") from error
    if status != 200:
        reason = body[:500].decode(errors="replace").strip()
        raise LiveError(f"{url} answered {status}: {reason}", status)
    try:
        return json.loads(body)
    except ValueError as error:
        raise LiveError(f"{url} gave an answer that is not Live's", status) from error


class EveryAnswer(HTTPErrorProcessor):
    """Follows no redirect, which would turn the POST into a GET and take the token elsewhere, and raises for no status."""

    def http_response(self, request, response):
        return response

    https_response = http_response


OPENER = build_opener(EveryAnswer)
