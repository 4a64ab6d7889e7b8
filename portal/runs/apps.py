from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "portal.runs"

    def ready(self):
        from portal.runs import events, job_kinds

        events.register()
        job_kinds.register()
