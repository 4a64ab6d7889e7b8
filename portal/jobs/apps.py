from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "portal.jobs"

    def ready(self):
        from celery.signals import (
            celeryd_after_setup,
            worker_init,
            worker_ready,
            worker_shutdown,
            worker_shutting_down,
        )
        from django.core.checks import register

        from portal.core import refusals
        from portal.jobs import checks, draining, hosts, scheduler, sites, stored_bytes
        from portal.jobs.models import IllegalTransition, Job
        from portal.teams import filters, quota_usage
        from portal.teams.quota_usage import StoragePart

        register(checks.check)
        worker_init.connect(checks.on_worker_start)
        celeryd_after_setup.connect(sites.on_set_up)
        worker_shutting_down.connect(draining.begin)
        worker_ready.connect(hosts.on_ready)
        worker_shutting_down.connect(hosts.on_stopping)
        worker_shutdown.connect(hosts.on_stopped)
        filters.add_people(lambda team: Job.objects.for_team(team).order_by().values("created_by"))
        quota_usage.count_jobs_by(scheduler.counts)
        title = _("Models and other files of jobs")
        quota_usage.add_storage(StoragePart("artifacts", title, stored_bytes.of_files))
        refusals.register(IllegalTransition, 409)
