from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "portal.devices"

    def ready(self):
        from portal.devices import events, job_kinds

        events.register()
        job_kinds.register()
