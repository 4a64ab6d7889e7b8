"""The map of all addresses."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("portal.api")),
    path("", include("portal.core.urls")),
    path("", include("portal.teams.urls")),
    path("", include("portal.notify.urls")),
    path("jobs/", include("portal.jobs.urls")),
    path("history/", include("portal.history.urls")),
    path("datasets/", include("portal.datasets.urls")),
    path("runs/", include("portal.runs.urls")),
    path("models/", include("portal.conversions.urls")),
    path("devices/", include("portal.devices.urls")),
]

handler400 = "portal.core.views.bad_request"
handler403 = "portal.core.views.forbidden"
handler404 = "portal.core.views.not_found"
handler500 = "portal.core.views.unexpected"
