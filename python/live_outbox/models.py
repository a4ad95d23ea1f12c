import uuid

from django.db import models


class Update(models.Model):
    """What Live may not have yet. It is written in the transaction of the post, and deleted when Live has it."""

    # Names the update, however often it is sent. Ids alone would come again with a database that is begun anew.
    key = models.UUIDField(default=uuid.uuid4)
    channel_id = models.CharField(max_length=255)
    body = models.JSONField()
