from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "portal.jobs"

    def ready(self):
        from portal.jobs.models import Job
        from portal.teams import filters

        filters.add_people(lambda team: Job.objects.for_team(team).order_by().values("created_by"))
