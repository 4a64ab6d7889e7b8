from django.apps import AppConfig


class CompilationConfig(AppConfig):
    name = "portal.compilation"

    def ready(self):
        from portal.compilation import job_kinds

        job_kinds.register()
