from django.apps import AppConfig


class ApplicationConfig(AppConfig):
    name = "portal.application"

    def ready(self):
        from portal.application import job_kinds
        from portal.application.services import ApplicationRefused
        from portal.core import refusals

        refusals.register(ApplicationRefused, 409)
        job_kinds.register()
