"""Image files of a version."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action

from portal.core.api import AnyAnswer
from portal.datasets import pictures

PICTURE = {(200, f"image/{kind}"): OpenApiTypes.BINARY for kind in ("png", "jpeg", "bmp", "webp")}
OPTIONS = {"pagination_class": None, "filter_backends": [], "content_negotiation_class": AnyAnswer}


class ImageActions:
    """Actions of ``DatasetVersionViewSet``. ``number`` is an image's ``id``."""

    @extend_schema(operation_id="dataset_versions_image_retrieve", responses=PICTURE)
    @action(detail=True, url_path=r"images/(?P<number>\d{1,9})", **OPTIONS)
    def image(self, request, pk=None, number=""):
        """An image as it is stored, exactly as training gets it."""
        return pictures.serve(request, self.get_object(), int(number))

    @extend_schema(responses=PICTURE)
    @action(detail=True, url_path=r"images/(?P<number>\d{1,9})/thumbnail", **OPTIONS)
    def thumbnail(self, request, pk=None, number=""):
        """Its thumbnail; the image itself if it is small."""
        return pictures.serve(request, self.get_object(), int(number), small=True)
