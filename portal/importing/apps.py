from django.apps import AppConfig


class ImportingConfig(AppConfig):
    name = "portal.importing"

    def ready(self):
        from portal.importing import job_kinds

        job_kinds.register()
