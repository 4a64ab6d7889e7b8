from django.apps import AppConfig


class CameraConfig(AppConfig):
    name = "portal.camera"

    def ready(self):
        from portal.camera import archive, job_kinds, pages, refused
        from portal.core import panels, refusals
        from portal.datasets import archive_sources

        archive_sources.register(archive.OPTION, archive.write)
        job_kinds.register()
        refusals.register(refused.CaptureRefused, 400)
        panels.add("device", pages.device_panel)
