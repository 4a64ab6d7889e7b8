"""URLs of the history."""

from django.urls import path

from portal.history import views

urlpatterns = [path("", views.history, name="history")]
