from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "portal.runs"

    def ready(self):
        from portal.devices import releases
        from portal.runs import events, job_kinds, newer

        events.register()
        releases.register_newer(newer.of_devices)
        job_kinds.register()
