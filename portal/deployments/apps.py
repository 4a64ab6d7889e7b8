from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeploymentsConfig(AppConfig):
    name = "portal.deployments"

    def ready(self):
        from portal.deployments import services
        from portal.devices.services import claim
        from portal.jobs import kinds

        kinds.register(
            kinds.Kind(
                name="deploy",
                title=_("Deploy"),
                queue="deploy",
                time_limit=3600,
                perform=services.perform,
                complete=services.complete,
                claim=claim,
                replace=services.replace,
                after=services.after,
            )
        )
