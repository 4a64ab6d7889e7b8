from django.apps import AppConfig


class DeploymentConfig(AppConfig):
    name = "portal.deployment"

    def ready(self):
        from portal.deployment import events, job_kinds, services
        from portal.devices import moves

        events.register()
        job_kinds.register()
        moves.register(services.moved)
