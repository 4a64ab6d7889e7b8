"""``manage.py restore``: a backup into an empty portal."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.ops.backup import BackupError, restoring


class Command(BaseCommand):
    help = "Restores a backup into an empty portal, with the secrets that the portal had."

    def add_arguments(self, parser):
        parser.add_argument(
            "where", nargs="?", default=settings.BACKUP_TO,
            help="an absolute path or s3://bucket/prefix; BACKUP_TO by default",
        )  # fmt: skip
        parser.add_argument("--name", default="", help="of the backup; the newest by default")

    def handle(self, *, where, name, **options):
        if not where:
            raise CommandError("Say where the backup is: an absolute path or s3://bucket/prefix.")
        try:
            found = restoring.restore(where, name, self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored {found.name}: {found.rows} rows and {found.files} files.")
        self.stdout.write(
            "Start the portal: jobs that ran while the backup was made are resumed or run again."
        )
