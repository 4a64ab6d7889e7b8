from django.apps import AppConfig


class ConversionsConfig(AppConfig):
    name = "portal.conversions"

    def ready(self):
        from portal.conversions import job_kinds

        job_kinds.register()
