"""URLs of rollouts and groups."""

from django.urls import path

from portal.rollouts import views

urlpatterns = [
    path("", views.rollout_list, name="rollout-list"),
    path("new/", views.rollout_new, name="rollout-new"),
    path("<int:pk>/", views.rollout_detail, name="rollout-detail"),
    path("<int:pk>/live/", views.rollout_live, name="rollout-live"),
    path("<int:pk>/<slug:decision>/", views.rollout_decide, name="rollout-decide"),
    path("groups/", views.group_list, name="group-list"),
    path("groups/new/", views.group_new, name="group-new"),
    path("groups/<int:pk>/remove/", views.group_remove, name="group-remove"),
]
