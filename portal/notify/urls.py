"""URLs of notices and webhooks."""

from django.urls import path

from portal.notify import views, webhook_views

urlpatterns = [
    path("notifications/", views.notification_list, name="notification-list"),
    path("notifications/read/", views.notification_read_all, name="notification-read-all"),
    path("notifications/choices/", views.notification_choices, name="notification-choices"),
    path("notifications/<int:pk>/open/", views.notification_open, name="notification-open"),
    path("team/webhooks/", webhook_views.webhook_list, name="webhook-list"),
    path("team/webhooks/<int:pk>/", webhook_views.webhook_detail, name="webhook-detail"),
    path("team/webhooks/<int:pk>/switch/", webhook_views.webhook_switch, name="webhook-switch"),
    path("team/webhooks/<int:pk>/test/", webhook_views.webhook_test, name="webhook-test"),
    path("team/webhooks/<int:pk>/secret/", webhook_views.webhook_secret, name="webhook-secret"),
    path("team/webhooks/<int:pk>/delete/", webhook_views.webhook_delete, name="webhook-delete"),
    path(
        "team/webhooks/<int:pk>/deliveries/<int:number>/again/",
        webhook_views.webhook_redeliver,
        name="webhook-redeliver",
    ),
]
