"""``manage.py demo``: starts the servers and runs the main workflow once through the REST API."""

import argparse
import os
import signal
import subprocess

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from slipway import Client
from slipway.errors import Interrupted, SlipwayError

from portal import env, secrets_file
from portal.core import datalock
from portal.datasets.samples import SAMPLES
from portal.ops import demo, ports, supervision
from portal.teams.models import Membership, Role, Scope, Team, User
from portal.teams.services import DEFAULT_TEAM, reset_password

START_SECONDS = 300  # a busy machine with two cores takes minutes
TOKEN_SCOPES = [Scope.READ, Scope.DATASETS, Scope.RUNS, Scope.DEPLOY]


class Command(BaseCommand):
    help = "Starts everything, takes a bundled sample to answers from a virtual board, and goes on serving."

    def add_arguments(self, parser):
        parser.add_argument(
            "--task", choices=SAMPLES, default=next(iter(SAMPLES)), help="whose sample it takes"
        )
        parser.add_argument("--against", metavar="URL", help="use this running portal and start no process")
        parser.add_argument(
            "--board",
            metavar="HOST:PORT",
            type=_address,
            help="the virtual board of --against, as its workers reach it (password: VIRTUAL_BOARD_PASSWORD)",
        )
        parser.add_argument("--address", metavar="URL", help="how people reach the portal of --against")

    def handle(self, **options):
        against, board = options["against"], options["board"]
        self.sample = SAMPLES[options["task"]]
        if bool(against) != bool(board):
            raise CommandError("--against and --board go together: give both or neither.")
        if against:
            host, port = board
            password = env.text("VIRTUAL_BOARD_PASSWORD")
            self._job(
                against, (host, port, password), options["address"] or against, "the processes' own logs"
            )
        else:
            self._with_lock()

    def _with_lock(self) -> None:
        try:
            lock = supervision.lock("make demo")
        except datalock.Held as held:
            raise CommandError(str(held)) from held
        try:
            self._serve_and_do()
        finally:
            os.close(lock)

    def _serve_and_do(self) -> None:
        call_command("setup")
        host, port = settings.HOST, ports.first_free(settings.HOST, settings.PORT)
        board_port = ports.first_free(host, env.integer("VIRTUAL_BOARD_PORT", 2222, least=1))
        config = supervision.write_config(
            settings.VAR_DIR / "run" / "supervisord.conf", host, port, board_port
        )
        argv = supervision.tied_to_parent(supervision.command(config))
        process = subprocess.Popen(argv, env=supervision.environment() | {"PORT": str(port)})
        signal.signal(signal.SIGTERM, _stop)
        password = secrets_file.get_or_create(settings.SECRETS_DIR, "virtual-board-password")
        try:
            base = f"http://{host}:{port}"
            self._job(base, ("127.0.0.1", board_port, password), base, settings.VAR_DIR / "logs")
            if not env.boolean("DEMO_EXIT", False):
                self.stdout.write("\nStill serving. Ctrl-C stops it.")
                process.wait()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            process.terminate()
            process.wait()

    def _job(self, base: str, board: tuple[str, int, str], address: str, logs: object) -> None:
        console = Console()
        password = _demo_user()
        client = Client(base)
        board = dict(zip(("host", "port", "password"), board, strict=True), username="root")
        try:
            client.wait_until_up(START_SECONDS)
            client.sign_in("demo", password, "make demo", TOKEN_SCOPES, days=1)
            report = demo.run_demo(client, self.sample, board, settings.VAR_DIR / "demo", console)
        except Interrupted as error:
            raise KeyboardInterrupt from error
        except SlipwayError as error:
            raise CommandError(f"The demo failed: {error} More is in {logs}.") from error
        demo.print_table(report, console)
        page = report["page"].replace(base, address, 1)
        console.print(f"\nThe run's page: {page}  (sign in as  demo  with  {password} )", soft_wrap=True)
        console.print(f"The report: {settings.VAR_DIR / 'demo' / 'report.json'}", soft_wrap=True)


def _stop(number, frame) -> None:
    """SIGTERM ends the demo like Ctrl-C, with everything that it started."""
    raise KeyboardInterrupt


def _address(text: str) -> tuple[str, int]:
    """``host:port`` as a pair."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, as in virtual-board:2222")
    return host, int(port)


def _demo_user() -> str:
    """Create the demo's user, or give it a new password; return the password."""
    user, _ = User.objects.get_or_create(username="demo")
    team = Team.objects.get(name=DEFAULT_TEAM)
    Membership.objects.get_or_create(team=team, user=user, defaults={"role": Role.OPERATOR})
    return reset_password(user)
