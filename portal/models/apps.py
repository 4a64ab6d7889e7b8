from django.apps import AppConfig


class ModelsConfig(AppConfig):
    name = "portal.models"

    def ready(self):
        from django.core.checks import register

        from portal.models import checks

        register(checks.check_tasks)
        checks.refuse_unknown_tasks()
