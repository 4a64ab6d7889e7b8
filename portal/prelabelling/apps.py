from django.apps import AppConfig


class PrelabellingConfig(AppConfig):
    name = "portal.prelabelling"

    def ready(self):
        from portal.prelabelling import job_kinds

        job_kinds.register()
