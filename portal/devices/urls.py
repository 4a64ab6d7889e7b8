"""URLs of devices and inferences."""

from django.urls import path

from portal.devices import access_views, jump_views, views

urlpatterns = [
    path("", views.device_list, name="device-list"),
    path("jump-hosts/", jump_views.jump_host_list, name="jump-host-list"),
    path("jump-hosts/new/", jump_views.jump_host_new, name="jump-host-new"),
    path("jump-hosts/<int:pk>/remove/", jump_views.jump_host_remove, name="jump-host-remove"),
    path("new/", views.device_new, name="device-new"),
    path("<int:pk>/", views.device_detail, name="device-detail"),
    path("<int:pk>/live/", views.device_live, name="device-live"),
    path("<int:pk>/probe/", views.device_probe, name="device-probe"),
    path("<int:pk>/fitness/", views.device_fitness, name="device-fitness"),
    path("<int:pk>/infer/", views.device_infer, name="device-infer"),
    path("<int:pk>/edit/", views.device_edit, name="device-edit"),
    path("<int:pk>/host-key/", views.device_host_key, name="device-host-key"),
    path("<int:pk>/access/", access_views.device_access, name="device-access"),
    path("<int:pk>/access/live/", access_views.device_access_live, name="device-access-live"),
    path("<int:pk>/access/key/", access_views.device_install_key, name="device-install-key"),
    path("<int:pk>/access/password/", access_views.device_change_password, name="device-change-password"),
    path("<int:pk>/access/undo/", access_views.device_undo_access, name="device-undo-access"),
    path("<int:pk>/delete/", views.device_delete, name="device-delete"),
    path("<int:pk>/inferences/<int:number>/", views.inference_detail, name="inference-detail"),
    path("<int:pk>/inferences/<int:number>/live/", views.inference_live, name="inference-live"),
    path("<int:pk>/inferences/<int:number>/coco/", views.inference_coco, name="inference-coco"),
    path(
        "<int:pk>/inferences/<int:number>/images/<int:position>/",
        views.inference_image,
        name="inference-image",
    ),
]
