"""URLs of model files."""

from django.urls import path

from portal.importing import views

urlpatterns = [
    path("files/", views.file_list, name="model-file-list"),
    path("files/new/", views.file_new, name="model-file-new"),
    path("files/<int:pk>/", views.file_detail, name="model-file"),
    path("files/<int:pk>/live/", views.file_live, name="model-file-live"),
    path("files/<int:pk>/delete/", views.file_delete, name="model-file-delete"),
]
