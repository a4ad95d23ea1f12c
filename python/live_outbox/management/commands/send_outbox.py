import time

from django.core.management.base import BaseCommand, CommandError
from live_outbox.publisher import send_due


class Command(BaseCommand):
    help = "Sends what is left in the outbox: after a crash, or when Live was away."

    def add_arguments(self, parser):
        parser.add_argument("--every", type=float, metavar="SECONDS", help="goes on until it is ended")

    def handle(self, *args, every, **options):
        while every:
            send_due()
            time.sleep(every)
        if not send_due():
            raise CommandError("Live does not take them at the moment")
