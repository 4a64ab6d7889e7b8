"""``manage.py serve``: runs everything on one machine, until Ctrl-C."""

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from portal import env
from portal.core import datalock
from portal.ops import ports, supervision


class Command(BaseCommand):
    help = "Starts portal, workers, broker and a virtual board, and keeps them running."

    def handle(self, **options):
        try:
            lock = supervision.lock("make serve")
        except datalock.Held as held:
            raise CommandError(str(held)) from held
        call_command("setup")
        host, port = settings.HOST, settings.PORT
        board_port = env.integer("VIRTUAL_BOARD_PORT", 2222, least=0) or None
        for name, wanted in (("PORT", port), ("VIRTUAL_BOARD_PORT", board_port)):
            if wanted and not ports.is_free(host, wanted):
                raise CommandError(
                    f"Port {wanted} is in use here: stop what listens on it, or set {name} to another."
                )
        config = supervision.write_config(
            settings.VAR_DIR / "run" / "supervisord.conf", host, port, board_port
        )
        self.stdout.write(
            f"Slipway serves on http://{host}:{port}/ — logs are in {settings.VAR_DIR / 'logs'}"
        )
        self.stdout.flush()
        supervision.become(config, lock)
