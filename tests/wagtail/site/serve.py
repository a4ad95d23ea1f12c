"""Makes the database with a page for each of SITE_PAGES, serves the site on a port that the system picks, and says where."""
import django
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

django.setup()

from django.conf import settings  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from liveblog.models import LiveBlogPage  # noqa: E402
from wagtail.core.models import Locale, Page, Site  # noqa: E402
from wagtail_live.webapp.models import Channel  # noqa: E402


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format, *args):
        pass


def make_database():
    call_command("migrate", run_syncdb=True, verbosity=0)
    Locale.objects.create(language_code="en")
    root = Page.add_root(instance=Page(title="Root", slug="root"))
    Site.objects.create(hostname="localhost", root_page=root, is_default_site=True)
    for channel_id in settings.SITE_PAGES:
        # The webapp's channel, and the page that it is published on.
        Channel.objects.create(channel_name=channel_id)
        root.add_child(instance=LiveBlogPage(title=channel_id, slug=channel_id, channel_id=channel_id))


make_database()
server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
server.set_app(StaticFilesHandler(get_wsgi_application()))
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
