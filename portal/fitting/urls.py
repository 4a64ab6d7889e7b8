"""URLs of searches for a fitting model."""

from django.urls import path

from portal.fitting import views

urlpatterns = [
    path("", views.fit_list, name="fit-list"),
    path("new/", views.fit_new, name="fit-new"),
    path("<int:pk>/", views.fit_detail, name="fit-detail"),
    path("<int:pk>/live/", views.fit_live, name="fit-live"),
]
