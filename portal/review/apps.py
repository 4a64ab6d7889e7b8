from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "portal.review"

    def ready(self):
        from portal.core import panels, refusals
        from portal.datasets import archive_sources
        from portal.devices import seen
        from portal.review import offering, pages, storing, versions
        from portal.review.deciding import ReviewRefused
        from portal.teams import quota_usage

        refusals.register(ReviewRefused, 400)
        archive_sources.register(versions.OPTION, versions.write)
        seen.register(offering.Reviewer())
        quota_usage.add_storage(storing.PART)
        panels.add("device", pages.device_panel)
