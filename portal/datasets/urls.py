"""URLs of datasets."""

from django.urls import path

from portal.datasets import (
    cut_views,
    deletion_views,
    drawing_views,
    image_views,
    import_views,
    review_views,
    version_views,
    views,
)
from workers.datakit.tasks import CLASSIFICATION, DETECTION

urlpatterns = [
    path("", views.dataset_list, name="dataset-list"),
    path("new/", views.dataset_new, name="dataset-new"),
    path("import/", import_views.dataset_import, name="dataset-import"),
    path("uploads/<uuid:pk>/discard/", views.upload_discard, name="upload-discard"),
    path("samples/digits/", views.dataset_sample, {"task": CLASSIFICATION}, name="dataset-digits"),
    path("samples/scattered-digits/", views.dataset_sample, {"task": DETECTION}, name="dataset-scattered"),
    path("deleted/", deletion_views.deleted_list, name="dataset-deleted-list"),
    path("<int:pk>/rename/", deletion_views.dataset_rename, name="dataset-rename"),
    path("<int:pk>/delete/", deletion_views.dataset_delete, name="dataset-delete"),
    path("<int:pk>/restore/", deletion_views.dataset_restore, name="dataset-restore"),
    path("versions/<int:pk>/delete/", deletion_views.version_delete, name="dataset-version-delete"),
    path("versions/<int:pk>/restore/", deletion_views.version_restore, name="dataset-version-restore"),
    path("<int:pk>/", views.dataset_detail, name="dataset-detail"),
    path("versions/<int:pk>/", version_views.dataset_version, name="dataset-version"),
    path("versions/<int:pk>/review/confirm/", review_views.confirm, name="dataset-review-confirm"),
    path("versions/<int:pk>/review/reread/", review_views.reread, name="dataset-review-reread"),
    path("versions/<int:pk>/review/discard/", review_views.discard, name="dataset-review-discard"),
    path("versions/<int:pk>/diff/", version_views.version_diff, name="dataset-diff"),
    path("versions/<int:pk>/export/<slug:layout>/", version_views.version_export, name="dataset-export"),
    path("versions/<int:pk>/live/", version_views.version_live, name="dataset-version-live"),
    path("versions/<int:pk>/images/", image_views.version_images, name="dataset-images"),
    path("versions/<int:pk>/copies/<slug:code>/", image_views.version_copies, name="dataset-copies"),
    path("versions/<int:pk>/images/<int:number>/", image_views.version_image, name="dataset-image-page"),
    path(
        "versions/<int:pk>/images/<int:number>/boxes/", drawing_views.image_boxes, name="dataset-image-boxes"
    ),
    path("versions/<int:pk>/cut/", cut_views.version_cut, name="dataset-cut"),
    path("versions/<int:pk>/draw/", drawing_views.draw, name="dataset-draw"),
    path("versions/<int:pk>/changes/", image_views.version_changes, name="dataset-changes"),
    path("versions/<int:pk>/changes/commit/", image_views.version_commit, name="dataset-commit"),
    path("versions/<int:pk>/changes/discard/", image_views.version_discard, name="dataset-discard"),
    path("versions/<int:pk>/images/<str:name>", version_views.dataset_image, name="dataset-image"),
    path("versions/<int:pk>/thumbs/<int:number>", version_views.dataset_thumb, name="dataset-thumb"),
]
