from django.apps import AppConfig


class CompilationConfig(AppConfig):
    name = "portal.compilation"

    def ready(self):
        from portal.compilation import events, job_kinds

        events.register()
        job_kinds.register()
