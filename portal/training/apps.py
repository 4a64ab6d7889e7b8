from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "portal.training"

    def ready(self):
        from portal.training import job_kinds

        job_kinds.register()
