"""Remove a person's second factor, for the only administrator who lost phone and recovery codes."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from portal.teams import second_factor
from portal.teams.models import User


class Command(BaseCommand):
    help = "Remove a person's second factor; they set up a new one after their next sign-in."

    def add_arguments(self, parser):
        parser.add_argument("name", help="of the account")

    def handle(self, *args, **options):
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no account {options['name']!r}.")
        if not second_factor.remove(user):
            raise CommandError(f"{user.username} has no second factor.")
        self.stdout.write(f"{user.username} no longer has a second factor.")
