from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "portal.runs"

    def ready(self):
        from portal.runs import job_kinds

        job_kinds.register()
