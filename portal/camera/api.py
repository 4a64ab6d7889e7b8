"""Images from cameras: drafts of them, and captures by devices. Only its author can use a draft."""

from __future__ import annotations

import contextlib

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from portal.camera import capture, image_files, services
from portal.camera.models import Capture, CaptureDraft
from portal.camera.refused import CaptureRefused
from portal.camera.serializers import (
    CapturedImageSerializer,
    CaptureDraftSerializer,
    CaptureSerializer,
    CommitCaptureSerializer,
    LabelSerializer,
    NewCapturedImageSerializer,
    NewCaptureDraftSerializer,
    NewCaptureSerializer,
)
from portal.core.api import AnyAnswer, TeamViewSet
from portal.core.bodies import FORM_BYTES, takes
from portal.core.messages import shown
from portal.datasets.serializers import DatasetVersionSerializer
from portal.teams.models import Role
from workers.contract.messages import msg


def one_image() -> int:
    """The limit for a form with an image."""
    return services.MOST_BYTES + FORM_BYTES


@contextlib.contextmanager
def refusals(field: str = "draft"):
    """Turn the services' refusals into responses with the sentence at its field, ``field`` by default."""
    try:
        yield
    except CaptureRefused as refusal:
        raise ValidationError({refusal.field or field: [shown(refusal)]}) from refusal


class CaptureDraftViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = CaptureDraft.objects.with_counts()
    serializer_class = CaptureDraftSerializer
    read_role = Role.MEMBER
    write_scope = "datasets"
    orderings = ("id", "created_at")
    page_actions = ("list", "images")
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        rows = super().get_queryset()
        return (
            rows if getattr(self, "swagger_fake_view", False) else rows.filter(created_by=self.request.user)
        )

    @extend_schema(request=NewCaptureDraftSerializer, responses={201: CaptureDraftSerializer})
    def create(self, request):
        """Start a draft of images for a dataset, or return yours: you have one open draft per dataset."""
        form = NewCaptureDraftSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        with refusals("dataset"):
            draft = services.begin(request.team, request.user, data["dataset"], data.get("task", ""))
        return Response(CaptureDraftSerializer(self.get_queryset().get(pk=draft.pk)).data, status=201)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Discard the draft with its images."""
        with refusals():
            services.discard(self.get_object())
        return Response(status=204)

    @extend_schema(methods=["get"], responses=CapturedImageSerializer(many=True))
    @extend_schema(
        methods=["post"], request=NewCapturedImageSerializer, responses={201: CapturedImageSerializer}
    )
    @action(detail=True, methods=["get", "post"], parser_classes=[MultiPartParser], filter_backends=[])
    @takes(one_image)
    def images(self, request, pk=None):
        """GET: the images, newest first. POST: add one; sent again with its key, it is stored once."""
        draft = self.get_object()
        if request.method == "GET":
            rows = self.paginate_queryset(draft.images.all())
            return self.get_paginated_response(CapturedImageSerializer(rows, many=True).data)
        form = NewCapturedImageSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        with refusals():
            services.refuse_unless_open(draft)
            content = image_files.read(data["image"])
            image = services.add(draft, data["key"], content, data["class_name"], data["origin"])
        return Response(CapturedImageSerializer(image).data, status=201)

    @extend_schema(
        methods=["get"],
        responses={(200, f"image/{kind}"): OpenApiTypes.BINARY for kind in ("png", "jpeg", "webp")},
    )
    @extend_schema(methods=["delete"], responses={204: None})
    @action(
        detail=True,
        methods=["get", "delete"],
        url_path=r"images/(?P<number>\d{1,18})",
        pagination_class=None,
        filter_backends=[],
        content_negotiation_class=AnyAnswer,
    )
    def image(self, request, pk=None, number=""):
        """GET: the image itself. DELETE: remove it."""
        draft = self.get_object()
        row = get_object_or_404(draft.images.all(), pk=number)
        if request.method == "GET":
            return image_files.serve(row)
        with refusals():
            services.remove(draft, [row.pk])
        return Response(status=204)

    @extend_schema(request=LabelSerializer, responses=CaptureDraftSerializer)
    @action(detail=True, methods=["post"])
    def label(self, request, pk=None):
        """Set the class of images; an empty one removes it."""
        draft = self.get_object()
        form = LabelSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with refusals():
            services.relabel(draft, form.validated_data["ids"], form.validated_data["class_name"])
        return Response(CaptureDraftSerializer(self.get_object()).data)

    @extend_schema(request=CommitCaptureSerializer, responses={201: DatasetVersionSerializer})
    @action(detail=True, methods=["post"])
    def commit(self, request, pk=None):
        """Make a version of the images, in a job: the dataset's next, with the images of the one before."""
        draft = self.get_object()
        form = CommitCaptureSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with refusals():
            version = services.commit(draft, form.validated_data["classes"])
        return Response(DatasetVersionSerializer(version).data, status=201)


class CaptureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Capture.objects.select_related("job__created_by")
    serializer_class = CaptureSerializer
    write_role = Role.OPERATOR
    orderings = ("id", "created_at")
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        rows = Capture.objects.select_related("job__created_by")
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.filter(draft__team=self.request.team)

    @extend_schema(request=NewCaptureSerializer, responses={202: CaptureSerializer})
    def create(self, request):
        """Capture images with a device for a draft of yours, in a job; it resumes after a lost connection."""
        form = NewCaptureSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        draft, device = data.pop("draft"), data.pop("device")
        if draft.created_by_id != request.user.pk:
            raise ValidationError(
                {"draft": [shown(msg("This draft belongs to another person: start your own."))]}
            )
        order = capture.Order(size=(data.pop("width"), data.pop("height")), **data)
        with refusals():
            made = capture.start(draft, request.user, device, order)
        return Response(CaptureSerializer(made).data, status=202)
