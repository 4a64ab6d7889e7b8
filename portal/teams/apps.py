from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "portal.teams"

    def ready(self):
        from portal.core import refusals
        from portal.teams.quotas import QuotaReached

        refusals.register(QuotaReached, 409)
