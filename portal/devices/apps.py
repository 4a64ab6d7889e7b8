from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DevicesConfig(AppConfig):
    name = "portal.devices"

    def ready(self):
        from portal.devices import services
        from portal.jobs import kinds

        kinds.register(
            kinds.Kind(
                name="probe",
                title=_("Probe device"),
                queue="deploy",
                time_limit=120,
                perform=services.perform_probe,
                complete=services.complete_probe,
                claim=services.claim,
                replace=services.replace_probe,
            )
        )
        kinds.register(
            kinds.Kind(
                name="infer",
                title=_("Answer images"),
                queue="deploy",
                time_limit=1800,
                perform=services.perform_inference,
                complete=services.complete_inference,
                claim=services.claim,
                replace=services.replace_inference,
            )
        )
