from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RunsConfig(AppConfig):
    name = "portal.runs"

    def ready(self):
        from portal.jobs import kinds
        from portal.runs import pipeline, training

        kinds.register(
            kinds.Kind(
                name="train",
                title=_("Train"),
                queue="train",
                time_limit=24 * 3600,
                prepare=training.prepare,
                complete=training.complete,
                replace=training.replace,
                after=pipeline.after_job,
            )
        )
