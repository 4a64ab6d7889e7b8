from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DatasetsConfig(AppConfig):
    name = "portal.datasets"

    def ready(self):
        from portal.datasets import drafts, services
        from portal.jobs import kinds
        from portal.runs import pipeline

        def after_revise(job):
            drafts.after_revise(job)
            pipeline.after_job(job)  # a run may wait for the version

        kinds.register(
            kinds.Kind(
                name="ingest",
                title=_("Check dataset"),
                queue="default",
                time_limit=4 * 3600,
                prepare=services.prepare_ingest,
                complete=services.complete_ingest,
                claim=services.claim_ingest,
                folder=services.folder_of,
                replace=services.replace,
                after=pipeline.after_job,
            )
        )
        kinds.register(
            kinds.Kind(
                name="revise",
                title=_("Make a new version"),
                queue="default",
                time_limit=3600,
                prepare=drafts.prepare_revise,
                complete=drafts.complete_revise,
                folder=services.folder_of,
                replace=services.replace,
                after=after_revise,
            )
        )
