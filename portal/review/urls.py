"""URLs of the review queue."""

from django.urls import path

from portal.review import views

urlpatterns = [
    path("", views.queue, name="review-list"),
    path("rules/", views.rule_list, name="review-rules"),
    path("rules/<int:pk>/remove/", views.rule_remove, name="review-rule-remove"),
    path("drafts/<int:pk>/", views.draft, name="review-draft"),
    path("versions/<int:pk>/", views.version_new, name="review-version"),
    path("<int:pk>/", views.item, name="review-item"),
    path("<int:pk>/image/", views.image, name="review-image"),
    path("<int:pk>/boxes/", views.boxes, name="review-boxes"),
    path("<int:pk>/<slug:decision>/", views.decide, name="review-decide"),
]
