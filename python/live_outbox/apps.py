from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "live_outbox"
    default_auto_field = "django.db.models.BigAutoField"
