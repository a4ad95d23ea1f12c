from django.urls import include, path
from wagtail.core import urls as wagtail_urls
from wagtail_live import urls as live_urls
from wagtail_live.webapp import urls as webapp_urls

from liveblog.views import change_settings, hide

urlpatterns = [
    path("wagtail_live/", include(live_urls)),
    path("webapp/", include(webapp_urls)),
    path("hide/<slug:channel_id>/<int:message_id>/", hide),
    path("change-settings/", change_settings),
    path("", include(wagtail_urls)),
]
