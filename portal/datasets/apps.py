from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "portal.datasets"

    def ready(self):
        from portal.datasets import job_kinds

        job_kinds.register()
