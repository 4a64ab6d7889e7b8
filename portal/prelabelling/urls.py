"""The URL below a dataset version's."""

from django.urls import path

from portal.prelabelling import views

urlpatterns = [path("versions/<int:pk>/prelabel/", views.prelabel, name="dataset-prelabel")]
