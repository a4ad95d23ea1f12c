import json

from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from .models import LiveBlogPage


@csrf_exempt
def hide(request, channel_id, message_id):
    """What an editor does in the admin: takes the tick off `show`, and saves the page. No receiver does it."""
    page = LiveBlogPage.objects.get(channel_id=channel_id)
    page.get_live_post_by_message_id(message_id).value["show"] = False
    page.save()
    return JsonResponse({})


@csrf_exempt
def change_settings(request):
    """From now on, for settings that are read when they are needed."""
    for name, value in json.loads(request.body).items():
        setattr(settings, name, value)
    return JsonResponse({})
