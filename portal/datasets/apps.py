from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "portal.datasets"

    def ready(self):
        from portal.core import refusals
        from portal.datasets import events, job_kinds
        from portal.datasets.refusals import STATUSES

        events.register()
        job_kinds.register()
        for kind, status in STATUSES.items():
            refusals.register(kind, status)
