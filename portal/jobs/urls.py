"""URLs of jobs."""

from django.urls import path

from portal.jobs import views

urlpatterns = [
    path("", views.job_list, name="job-list"),
    path("live/", views.job_list_live, name="job-list-live"),
    path("hosts/", views.host_list, name="job-hosts"),
    path("<int:pk>/", views.job_detail, name="job-detail"),
    path("<int:pk>/live/", views.job_live, name="job-live"),
    path("<int:pk>/log/", views.job_log, name="job-log"),
    path("<int:pk>/metrics/", views.job_metrics, name="job-metrics"),
    path("<int:pk>/cancel/", views.job_cancel, name="job-cancel"),
    path("<int:pk>/move/", views.job_move, name="job-move"),
    path("<int:pk>/priority/", views.job_priority, name="job-priority"),
    path("<int:pk>/retry/", views.job_retry, name="job-retry"),
    path("<int:pk>/files/<path:name>", views.artifact_download, name="artifact-download"),
]
