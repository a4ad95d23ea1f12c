from django.core.management.base import BaseCommand, CommandError
from live_publisher.publisher import LiveError, render, send
from wagtail_live.utils import get_live_page_model

# A page that changes each of so many times while it is seeded is an error.
ATTEMPTS = 10


class Command(BaseCommand):
    help = (
        "Tells Live all posts of the live pages, so that it holds them whole: for a Live that has just been set up or "
        "has lost its store, and at any time to repair what did not get through. Posts that Live has are not sent to readers again."
    )

    def add_arguments(self, parser):
        parser.add_argument("channels", nargs="*", help="channel ids; without any, all live pages that are published")

    def handle(self, *args, channels, **options):
        pages = published(get_live_page_model().objects.exclude(channel_id=""))
        chosen = pages.filter(channel_id__in=channels) if channels else pages
        failures = [f"{channel}: no published page has it" for channel in channels if not chosen.filter(channel_id=channel)]
        for page in chosen:
            try:
                posts = seed(page)
                self.stdout.write(f"{page.channel_id}: {posts} posts")
            except LiveError as error:
                failures.append(f"{page.channel_id}: {error}")
                if error.may_pass:
                    # Live is away; the other pages would each wait for it.
                    break
        if failures:
            raise CommandError("\n".join(failures))


def published(pages):
    """A page that readers cannot open is not for Live either."""

    return pages.live() if hasattr(pages, "live") else pages


def seed(page):
    """
    Replaces what Live has of a page by its posts.

    What is published between the look into the database and the answer would be undone by that. So it looks again
    after the answer, and repeats where the page has changed; what is saved later is published later, too.
    """

    for _ in range(ATTEMPTS):
        renders = render_all(page)
        send(page.channel_id, {"renders": renders, "removals": [], "reset": True})
        seen = page.last_updated_at
        page = type(page).objects.get(pk=page.pk)
        if page.last_updated_at == seen:
            return len(renders)
    raise CommandError(f"{page.channel_id}: it changed each time while it was seeded; run this again")


def render_all(page):
    """The posts, in the order of the page also where an editor has moved them."""

    renders, place = {}, 0
    for post in reversed(page.live_posts):
        rendered = render(post)
        place = max(rendered.get("sort", 0), place + 1)
        renders[post.id] = {**rendered, "sort": place}
    return renders
