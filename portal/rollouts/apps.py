from django.apps import AppConfig


class RolloutsConfig(AppConfig):
    name = "portal.rollouts"

    def ready(self):
        from portal.core import refusals
        from portal.devices import moves
        from portal.jobs import hooks
        from portal.rollouts import engine, events, services
        from portal.rollouts.planning import RolloutError

        refusals.register(RolloutError, 400)
        hooks.on_end(engine.after_job)
        hooks.on_retry(engine.after_retry)
        events.register()
        moves.register(services.moved)
