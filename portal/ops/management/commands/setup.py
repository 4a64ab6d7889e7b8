"""``manage.py setup``: creates folders, secrets, database, bucket and first administrator. Safe to repeat."""

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from portal import secrets_file
from portal.core.bucket import BucketError, make_bucket
from portal.teams.services import create_first_administrator


class Command(BaseCommand):
    help = "Makes folders, secrets, the database, the bucket and the first administrator. Harmless to repeat."

    def handle(self, **options):
        for name in ("run", "logs", "files", "jobs", "cache", "secrets"):
            (settings.VAR_DIR / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        secrets_file.get_or_create(settings.SECRETS_DIR, "virtual-board-password")
        call_command("migrate", verbosity=0)
        if settings.FILES_S3_BUCKET:
            try:
                make_bucket(default_storage)
            except BucketError as error:
                raise CommandError(str(error)) from error
        password = create_first_administrator()
        if password:
            self.stdout.write(
                f"\nThe first administrator is  admin  with the password  {password}\n"
                "It is shown this once. Change it after you have signed in.\n"
            )
