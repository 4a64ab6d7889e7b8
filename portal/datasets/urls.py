"""Addresses of datasets."""

from django.urls import path

from portal.datasets import import_views, views, views_images, views_version

urlpatterns = [
    path("", views.dataset_list, name="dataset-list"),
    path("new/", views.dataset_new, name="dataset-new"),
    path("import/", import_views.dataset_import, name="dataset-import"),
    path("uploads/<uuid:pk>/discard/", views.upload_discard, name="upload-discard"),
    path("samples/digits/", views.dataset_digits, name="dataset-digits"),
    path("<int:pk>/", views.dataset_detail, name="dataset-detail"),
    path("versions/<int:pk>/", views_version.dataset_version, name="dataset-version"),
    path("versions/<int:pk>/export/<slug:layout>/", views_version.version_export, name="dataset-export"),
    path("versions/<int:pk>/live/", views_version.version_live, name="dataset-version-live"),
    path("versions/<int:pk>/images/", views_images.version_images, name="dataset-images"),
    path("versions/<int:pk>/images/<int:number>/", views_images.version_image, name="dataset-image-page"),
    path("versions/<int:pk>/changes/", views_images.version_changes, name="dataset-changes"),
    path("versions/<int:pk>/changes/commit/", views_images.version_commit, name="dataset-commit"),
    path("versions/<int:pk>/changes/discard/", views_images.version_discard, name="dataset-discard"),
    path("versions/<int:pk>/images/<str:name>", views_version.dataset_image, name="dataset-image"),
    path("versions/<int:pk>/thumbs/<int:number>", views_version.dataset_thumb, name="dataset-thumb"),
]
