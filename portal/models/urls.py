"""URLs of models."""

from django.urls import path

from portal.models import views

urlpatterns = [
    path("", views.model_list, name="model-list"),
    path("<int:pk>/code/", views.model_code, name="model-code"),
]
