"""URLs of deployments."""

from django.urls import path

from portal.deployment import views

urlpatterns = [path("<int:pk>/rollback/", views.deployment_rollback, name="deployment-rollback")]
