from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "portal.core"

    def ready(self):
        from django.core.checks import register

        from portal.core import checks, field_messages, patience, tracing

        register(checks.check_configs)
        checks.refuse_wrong_configs()
        field_messages.set_up()
        patience.set_up()
        tracing.set_up()
