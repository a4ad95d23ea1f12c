"""A publisher for sites with Wagtail Live whose readers are served by Live, and `manage.py seed_live`."""
from .publisher import LiveError, LivePublisher, send

__all__ = ["LiveError", "LivePublisher", "send"]
