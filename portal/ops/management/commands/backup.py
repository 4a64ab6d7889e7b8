"""``manage.py backup``: all rows and files, while the portal runs; checks, lists and removes backups."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from portal.ops.backup import BackupError, keys, making
from portal.ops.backup.destination import Destination


class Command(BaseCommand):
    help = "Copies all rows and files to a folder or an S3 prefix, while the portal runs."

    def add_arguments(self, parser):
        parser.add_argument(
            "where", nargs="?", default=settings.BACKUP_TO,
            help="an absolute path or s3://bucket/prefix; BACKUP_TO by default",
        )  # fmt: skip
        parser.add_argument("--list", action="store_true", help="list the backups there")
        parser.add_argument(
            "--verify", metavar="NAME", nargs="?", const="", help="compare every hash of a backup"
        )
        parser.add_argument("--keep", type=int, metavar="N", help="then remove all but the newest N backups")
        parser.add_argument(
            "--secrets", type=Path, metavar="FILE", help="write the server's secrets to a new file"
        )

    def handle(self, *, where, **options):
        if not where:
            raise CommandError("Say where: an absolute path or s3://bucket/prefix, or set BACKUP_TO.")
        try:
            if options["list"]:
                self._list(where)
            elif options["verify"] is not None:
                self._say("whole", making.verify(where, options["verify"]))
            else:
                self._make(where, options)
        except BackupError as error:
            raise CommandError(str(error)) from error

    def _make(self, where: str, options: dict) -> None:
        if options["keep"] is not None and options["keep"] < 1:
            raise CommandError("--keep must be at least 1: nothing removes the last backup.")
        if options["secrets"]:
            keys.write(options["secrets"], where)
            self.stdout.write(f"The secrets are in {options['secrets']}: keep them apart from the backup.")
        self._say("made", making.make(where, self.stdout.write))
        if options["keep"]:
            self.stdout.write(f"Removed {making.keep(where, options['keep'])} older backups.")

    def _list(self, where: str) -> None:
        destination = Destination(where)
        for name in destination.names():
            manifest = destination.manifest(name)
            size = sum(entry["bytes"] for entry in manifest["files"].values())
            self.stdout.write(f"{name}  {manifest['version']}  {len(manifest['files'])} files  {_size(size)}")

    def _say(self, what: str, found: making.Made) -> None:
        self.stdout.write(
            f"Backup {found.name} is {what}: {found.rows} rows, {found.files} files, {_size(found.bytes)}"
            + (f", {found.copied} of them new." if what == "made" else ".")
        )


def _size(count: int) -> str:
    return filesizeformat(count).replace("\xa0", " ")
