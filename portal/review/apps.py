from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "portal.review"

    def ready(self):
        from portal.core import panels, refusals
        from portal.devices import seen
        from portal.review import offering, pages, storing
        from portal.review.deciding import ReviewRefused
        from portal.teams import quota_usage

        refusals.register(ReviewRefused, 400)
        seen.register(offering.Reviewer())
        quota_usage.add_storage(storing.PART)
        panels.add("device", pages.device_panel)
