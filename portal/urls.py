"""The root URL configuration."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("portal.home.api_router")),
    path("", include("portal.home.urls")),
    path("", include("portal.teams.urls")),
    path("", include("portal.notify.urls")),
    path("jobs/", include("portal.jobs.urls")),
    path("history/", include("portal.history.urls")),
    path("datasets/", include("portal.datasets.urls")),
    path("datasets/", include("portal.prelabelling.urls")),
    path("runs/", include("portal.runs.urls")),
    path("fits/", include("portal.fitting.urls")),
    path("models/", include("portal.models.urls")),
    path("models/", include("portal.compilation.urls")),
    path("models/", include("portal.importing.urls")),
    path("deployments/", include("portal.deployment.urls")),
    path("devices/", include("portal.devices.urls")),
    path("devices/", include("portal.application.urls")),
    path("camera/", include("portal.camera.urls")),
    path("review/", include("portal.review.urls")),
    path("rollouts/", include("portal.rollouts.urls")),
]

handler400 = "portal.home.views.bad_request"
handler403 = "portal.home.views.forbidden"
handler404 = "portal.home.views.not_found"
handler500 = "portal.home.views.unexpected"
