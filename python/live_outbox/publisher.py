import logging

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from live_publisher import LiveError, LivePublisher, send

logger = logging.getLogger(__name__)


class OutboxPublisher(LivePublisher):
    """Writes each update beside the post that it is about, and sends it once both are in the database for good."""

    def __init__(self):
        super().__init__()
        if not settings.DATABASES["default"].get("ATOMIC_REQUESTS"):
            raise ImproperlyConfigured("OutboxPublisher needs ATOMIC_REQUESTS: post and update go into one transaction")

    def publish(self, channel_id, renders, removals):
        """See base class."""

        from .models import Update

        if not channel_id or not (renders or removals):
            return
        Update.objects.create(channel_id=channel_id, body={"renders": renders, "removals": list(removals)})
        transaction.on_commit(send_due)


def send_due():
    """
    Sends what is in the outbox, the oldest first, and stops at what cannot be sent now.

    Any number of processes may do this at once. None sends an update before Live has all older ones, so the updates of
    a page take effect in their order; and what two of them send takes effect once, because both give it the same key.

    Returns:
        bool: nothing is left.
    """

    from .models import Update

    for update in Update.objects.order_by("id"):
        try:
            send(update.channel_id, update.body, key=update.key.hex)
        except LiveError as error:
            logger.error("Not published to the readers of %s: %s", update.channel_id, error)
            if error.status not in NEVER:
                return False
        update.delete()
    return True


# Live will not take this update later either, and the ones after it must not wait for it.
NEVER = (400, 413)
