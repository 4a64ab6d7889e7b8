"""Addresses of datasets."""

from django.urls import path

from portal.datasets import import_views, views

urlpatterns = [
    path("", views.dataset_list, name="dataset-list"),
    path("new/", views.dataset_new, name="dataset-new"),
    path("import/", import_views.dataset_import, name="dataset-import"),
    path("uploads/<uuid:pk>/discard/", views.upload_discard, name="upload-discard"),
    path("samples/digits/", views.dataset_digits, name="dataset-digits"),
    path("<int:pk>/", views.dataset_detail, name="dataset-detail"),
    path("versions/<int:pk>/", views.dataset_version, name="dataset-version"),
    path("versions/<int:pk>/live/", views.version_live, name="dataset-version-live"),
    path("versions/<int:pk>/images/<str:name>", views.dataset_image, name="dataset-image"),
    path("versions/<int:pk>/thumbs/<int:number>", views.dataset_thumb, name="dataset-thumb"),
]
