"""URLs of the start page."""

from django.urls import path

from portal.home import views

urlpatterns = [
    path("", views.home, name="home"),
    path("live/", views.home_live, name="home-live"),
    path("language/", views.language, name="language"),
]
