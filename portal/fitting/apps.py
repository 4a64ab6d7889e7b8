from django.apps import AppConfig


class FittingConfig(AppConfig):
    name = "portal.fitting"

    def ready(self):
        from portal.fitting import events, job_kinds

        events.register()
        job_kinds.register()
