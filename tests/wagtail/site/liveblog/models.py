from django.conf import settings
from wagtail.core.models import Page
from wagtail_live.models import LivePageMixin


class LiveBlogPage(LivePageMixin, Page):
    """As the tutorial has it."""

    content_panels = Page.content_panels + LivePageMixin.panels

    def get_context(self, request):
        # A site names its publisher's template in its own; here pages of one site differ.
        return {**super().get_context(request), "publisher_template": settings.SITE_PAGES[self.channel_id]}
