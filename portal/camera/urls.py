"""URLs of cameras."""

from django.urls import path

from portal.camera import views

urlpatterns = [
    path("", views.begin, name="camera-begin"),
    path("<int:pk>/", views.draft_detail, name="camera-draft"),
    path("<int:pk>/images/<int:number>/", views.image, name="camera-image"),
    path("<int:pk>/change/", views.change, name="camera-change"),
    path("<int:pk>/capture/", views.capture_start, name="camera-capture"),
    path("<int:pk>/commit/", views.commit, name="camera-commit"),
    path("<int:pk>/discard/", views.discard, name="camera-discard"),
    path("<int:pk>/reopen/", views.reopen, name="camera-reopen"),
]
