"""URLs of cameras."""

from django.urls import path

from portal.camera import live_views, views

urlpatterns = [
    path("", views.begin, name="camera-begin"),
    path("<int:pk>/", views.draft_detail, name="camera-draft"),
    path("<int:pk>/images/<int:number>/", views.image, name="camera-image"),
    path("<int:pk>/change/", views.change, name="camera-change"),
    path("<int:pk>/capture/", views.capture_start, name="camera-capture"),
    path("<int:pk>/commit/", views.commit, name="camera-commit"),
    path("<int:pk>/discard/", views.discard, name="camera-discard"),
    path("<int:pk>/reopen/", views.reopen, name="camera-reopen"),
    path("devices/<int:pk>/", live_views.device_live, name="camera-live"),
    path("devices/<int:pk>/stream/", live_views.stream, name="camera-stream"),
    path("devices/<int:pk>/start/", live_views.stream_start, name="camera-stream-start"),
    path("devices/<int:pk>/state/", live_views.stream_state, name="camera-stream-state"),
]
