"""A small site with Wagtail Live, set up as its tutorial says. What differs between tests comes in SITE_SETTINGS, as JSON."""
import json
import os
from pathlib import Path

HERE = Path(__file__).parent
# Where the database is; each test has a folder of its own.
FOLDER = Path(os.environ["SITE_FOLDER"])

INSTALLED_APPS = [
    "liveblog",
    "wagtail_live",
    "wagtail_live.webapp",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail.core",
    "rest_framework",
    "modelcluster",
    "taggit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "site.db",
        # A process that publishes and one that seeds wait for each other instead of failing.
        "OPTIONS": {"timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
MEDIA_ROOT = FOLDER / "media"
MEDIA_URL = "/media/"
SECRET_KEY = "of a test"
DEBUG = True
ALLOWED_HOSTS = ["*"]
USE_TZ = True
WAGTAIL_SITE_NAME = "Live"


class NoMigrations:
    """Tables are made from the models: the hundred and more migrations of Wagtail take half a minute."""

    def __contains__(self, app):
        return True

    def __getitem__(self, app):
        return None


MIGRATION_MODULES = NoMigrations()

WAGTAIL_LIVE_PAGE_MODEL = "liveblog.models.LiveBlogPage"
# The publisher's template that each page includes, by channel.
SITE_PAGES = {}
SITE_APPS = []
SITE_ATOMIC_REQUESTS = False

globals().update(json.loads(os.environ.get("SITE_SETTINGS", "{}")))
INSTALLED_APPS += SITE_APPS
DATABASES["default"]["ATOMIC_REQUESTS"] = SITE_ATOMIC_REQUESTS
