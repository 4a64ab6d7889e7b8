from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "portal.deployments"

    def ready(self):
        from portal.deployments import job_kinds

        job_kinds.register()
