from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "portal.devices"

    def ready(self):
        from portal.core import refusals
        from portal.core.encryption import WrongKey
        from portal.devices import events, job_kinds
        from portal.devices.access import BadPassword
        from portal.devices.errors import BoardError

        for kind in (BadPassword, BoardError, WrongKey):
            refusals.register(kind, 400)
        events.register()
        job_kinds.register()
