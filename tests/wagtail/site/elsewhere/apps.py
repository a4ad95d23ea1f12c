from django.apps import AppConfig
from django.conf import settings


class ElsewhereConfig(AppConfig):
    """Publishes to another server than PieSocket's, whose address is in Wagtail Live's code."""

    name = "elsewhere"

    def ready(self):
        from wagtail_live.publishers.piesocket import publisher

        publisher.publish_url = settings.PIESOCKET_PUBLISH_URL
