"""Addresses of models."""

from django.urls import path

from portal.models import views

urlpatterns = [path("", views.model_list, name="model-list")]
