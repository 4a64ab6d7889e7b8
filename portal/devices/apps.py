from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "portal.devices"

    def ready(self):
        from portal.devices import job_kinds

        job_kinds.register()
