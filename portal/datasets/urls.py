"""Addresses of datasets."""

from django.urls import path

from portal.datasets import import_views, views, views_deletion, views_images, views_version

urlpatterns = [
    path("", views.dataset_list, name="dataset-list"),
    path("new/", views.dataset_new, name="dataset-new"),
    path("import/", import_views.dataset_import, name="dataset-import"),
    path("uploads/<uuid:pk>/discard/", views.upload_discard, name="upload-discard"),
    path("samples/digits/", views.dataset_digits, name="dataset-digits"),
    path("deleted/", views_deletion.deleted_list, name="dataset-deleted-list"),
    path("<int:pk>/rename/", views_deletion.dataset_rename, name="dataset-rename"),
    path("<int:pk>/delete/", views_deletion.dataset_delete, name="dataset-delete"),
    path("<int:pk>/restore/", views_deletion.dataset_restore, name="dataset-restore"),
    path("versions/<int:pk>/delete/", views_deletion.version_delete, name="dataset-version-delete"),
    path("versions/<int:pk>/restore/", views_deletion.version_restore, name="dataset-version-restore"),
    path("<int:pk>/", views.dataset_detail, name="dataset-detail"),
    path("versions/<int:pk>/", views_version.dataset_version, name="dataset-version"),
    path("versions/<int:pk>/diff/", views_version.version_diff, name="dataset-diff"),
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
