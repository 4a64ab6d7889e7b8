from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "portal.core"

    def ready(self):
        from portal.core import patience

        patience.set_up()
