from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversionsConfig(AppConfig):
    name = "portal.conversions"

    def ready(self):
        from portal.conversions import services
        from portal.jobs import kinds
        from portal.runs import pipeline

        kinds.register(
            kinds.Kind(
                name="convert",
                title=_("Convert"),
                queue="convert",
                time_limit=4 * 3600,
                prepare=services.prepare,
                complete=services.complete,
                replace=services.replace,
                after=pipeline.after_job,
            )
        )
