"""URLs of the application on a board, below the device's."""

from django.urls import path

from portal.application import views

urlpatterns = [
    path("<int:pk>/app/", views.detail, name="app-detail"),
    path("<int:pk>/app/live/", views.app_live, name="app-live"),
    path("<int:pk>/app/package/", views.download, name="app-package"),
    path("<int:pk>/app/<slug:decision>/", views.act, name="app-act"),
]
