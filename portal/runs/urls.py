"""URLs of runs."""

from django.urls import path

from portal.runs import (
    compare_views,
    deploy_views,
    import_views,
    improve_views,
    parity_views,
    preflight_views,
    views,
)

urlpatterns = [
    path("", views.run_list, name="run-list"),
    path("compare/", compare_views.run_compare, name="run-compare"),
    path("compare/curves/", compare_views.run_compare_curves, name="run-compare-curves"),
    path("new/", views.run_new, name="run-new"),
    path("import/<int:pk>/", import_views.run_import, name="run-import"),
    path("costs/", preflight_views.run_costs, name="run-costs"),
    path("<int:pk>/", views.run_detail, name="run-detail"),
    path("<int:pk>/live/", views.run_live, name="run-live"),
    path("<int:pk>/report.json", views.run_report, name="run-report"),
    path("<int:pk>/cancel/", views.run_cancel, name="run-cancel"),
    path("<int:pk>/delete/", views.run_delete, name="run-delete"),
    path("<int:pk>/restore/", views.run_restore, name="run-restore"),
    path("<int:pk>/retry/", views.run_retry, name="run-retry"),
    path("<int:pk>/parity/", parity_views.run_parity, name="run-parity"),
    path("<int:pk>/mistakes/", views.run_mistakes, name="run-mistakes"),
    path("<int:pk>/threshold/", views.run_threshold, name="run-threshold"),
    path("<int:pk>/deploy/", deploy_views.run_deploy, name="run-deploy"),
    path("<int:pk>/improve/", improve_views.run_improve, name="run-improve"),
    path("<int:pk>/clone/", views.run_clone, name="run-clone"),
    path("<int:pk>/edit/", views.run_edit, name="run-edit"),
]
