"""URLs of deployments and of the policies that they obey."""

from django.urls import path

from portal.deployment import policy_views, views

urlpatterns = [
    path("profiles/<int:pk>/", views.device_profile, name="device-profile"),
    path("<int:pk>/rollback/", views.deployment_rollback, name="deployment-rollback"),
    path("<int:pk>/evidence.html", views.deployment_evidence, name="deployment-evidence"),
    path("<int:pk>/evidence.json", views.deployment_evidence_json, name="deployment-evidence-json"),
    path("evidence-key.pem", views.signing_key, name="deployment-evidence-key"),
    path("policies/", policy_views.policy_list, name="policy-list"),
    path("policies/<int:pk>/remove/", policy_views.policy_remove, name="policy-remove"),
]
