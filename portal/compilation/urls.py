"""URLs of a model's variants and of single compiled models."""

from django.urls import path

from portal.compilation import views

urlpatterns = [
    path("<int:pk>/variants/", views.variant_list, name="model-variants"),
    path("<int:pk>/variants/live/", views.variant_list_live, name="model-variants-live"),
    path("<int:pk>/variants/new/", views.variant_new, name="model-variant-new"),
    path("<int:pk>/variants/search/", views.search_new, name="model-search-new"),
    path("compiled/<int:pk>/", views.compiled_detail, name="model-compiled"),
    path("compiled/<int:pk>/live/", views.compiled_live, name="model-compiled-live"),
    path("compiled/<int:pk>/choose/", views.compiled_choose, name="model-compiled-choose"),
    path("compiled/<int:pk>/layers/", views.layers_measure, name="model-layers-measure"),
]
