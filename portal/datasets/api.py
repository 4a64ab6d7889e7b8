"""Datasets and their versions."""

import contextlib

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal.core.api import AnyAnswer, TeamViewSet
from portal.core.bodies import an_archive, takes
from portal.core.calls import with_query, without_body
from portal.core.messages import shown
from portal.core.schema import RANGE
from portal.datasets import contents, deletion, diffs, imports, indexes, services
from portal.datasets.cut_api import CutActions
from portal.datasets.diff_serializers import DiffQuerySerializer, DiffSerializer
from portal.datasets.draft_serializers import ImagesQuerySerializer, VersionImagesSerializer, filter_of
from portal.datasets.filters import DatasetFilter, DatasetVersionFilter
from portal.datasets.image_api import ImageActions
from portal.datasets.models import Dataset, DatasetVersion
from portal.datasets.refusals import NameTaken
from portal.datasets.review_api import ReviewActions
from portal.datasets.serializers import (
    DatasetNameSerializer,
    DatasetSerializer,
    DatasetVersionDetailSerializer,
    DatasetVersionSerializer,
    ExportQuerySerializer,
    FileVersionSerializer,
    ImportSerializer,
    PlaceSerializer,
    ReceivedVersionSerializer,
)
from workers.contract.messages import msg
from workers.datakit import export
from workers.datakit.errors import StagingError
from workers.datakit.tasks import CLASSIFICATION, DETECTION


class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Dataset.objects.select_related("created_by").with_figures()
    serializer_class = DatasetSerializer
    filterset_class = DatasetFilter
    refusals = (410, 413, 507)
    file_actions = ("create",)
    orderings = ("id", "name", "created_at")
    write_scope = "datasets"
    lookup_value_regex = r"\d{1,18}"

    @takes(an_archive)
    @extend_schema(
        request={
            "application/json": ReceivedVersionSerializer,
            "multipart/form-data": FileVersionSerializer,
        },
        responses={201: DatasetVersionSerializer},
    )
    def create(self, request):
        """Upload an archive as the next version of the dataset with this name; a job checks it.

        The archive is either the ``file`` of this request or a complete upload: ``upload`` is its id
        (``/api/v1/uploads/``). Repeating the call for an upload changes nothing.
        """
        is_file = request.content_type.startswith("multipart/") and "upload" not in request.data
        kind = FileVersionSerializer if is_file else ReceivedVersionSerializer
        form = kind(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = form.validated_data
        archive = data.get("upload") or data["file"]
        version = services.create_version(request.team, request.user, data["name"], archive, form.options())
        return Response(DatasetVersionSerializer(version).data, status=201)

    @extend_schema(request=DatasetNameSerializer, responses=DatasetSerializer)
    def partial_update(self, request, pk=None):
        """Rename the dataset."""
        dataset = self.get_object()
        form = DatasetNameSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with _name_is_free():
            deletion.rename(dataset, request.user, form.validated_data["name"])
        return Response(DatasetSerializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Delete the dataset with its versions; it can be restored for some days.

        Versions used by a run are hidden but kept: their runs continue.
        """
        deletion.delete_dataset(self.get_object(), request.user)
        return Response(status=204)

    @extend_schema(responses=DatasetSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def restore(self, request, pk=None):
        """Restore the deleted dataset."""
        with _name_is_free():
            deletion.restore_dataset(self.get_object(), request.user)
        return Response(DatasetSerializer(self.get_object()).data)

    @extend_schema(responses={201: DatasetVersionSerializer})
    @action(detail=False, methods=["post"], url_path="samples/digits")
    @without_body
    def digits(self, request):
        """Add the bundled dataset of handwritten digits."""
        version = services.add_sample(request.team, request.user, CLASSIFICATION)
        return Response(DatasetVersionSerializer(version).data, status=201)

    @extend_schema(responses={201: DatasetVersionSerializer})
    @action(detail=False, methods=["post"], url_path="samples/scattered-digits")
    @without_body
    def scattered_digits(self, request):
        """Add the bundled dataset for detection: digits with boxes, scattered over cluttered canvases."""
        version = services.add_sample(request.team, request.user, DETECTION)
        return Response(DatasetVersionSerializer(version).data, status=201)

    @extend_schema(methods=["get"], responses=PlaceSerializer(many=True))
    @extend_schema(methods=["post"], request=ImportSerializer, responses={201: DatasetVersionSerializer})
    @action(
        detail=False, methods=["get", "post"], url_path="imports", pagination_class=None, filter_backends=[]
    )
    def import_(self, request):
        """GET: the locations that the administrator allowed. POST: import from one as a dataset's version.

        The job that checks the version copies the files. An archive can be imported too.
        """
        if request.method == "GET":
            return Response(PlaceSerializer(imports.places(), many=True).data)
        form = ImportSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        where = {key: form.validated_data[key] for key in ("name", "source", "path")}
        version = services.create_import(request.team, request.user, **where, options=form.options())
        return Response(DatasetVersionSerializer(version).data, status=201)


@contextlib.contextmanager
def _name_is_free():
    try:
        yield
    except NameTaken as refusal:
        raise ValidationError({"name": [shown(refusal)]}) from refusal


class DatasetVersionViewSet(
    ImageActions, ReviewActions, CutActions, mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet
):
    queryset = DatasetVersion.objects.select_related("dataset", "job", "job__created_by", "confirmed_by")
    serializer_class = DatasetVersionSerializer
    write_scope = "datasets"
    filterset_class = DatasetVersionFilter
    orderings = ("id", "created_at")
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        rows = super().get_queryset()
        return rows.defer("reading") if self.action == "list" else rows

    def get_serializer_class(self):
        return DatasetVersionSerializer if self.action == "list" else DatasetVersionDetailSerializer

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Delete the version; it can be restored for some days. One used by a run is hidden but kept."""
        deletion.delete_version(self.get_object(), request.user)
        return Response(status=204)

    @extend_schema(responses=DatasetVersionDetailSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def restore(self, request, pk=None):
        """Restore the deleted version."""
        deletion.restore_version(self.get_object(), request.user)
        return Response(DatasetVersionDetailSerializer(self.get_object()).data)

    @extend_schema(responses=DiffSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    @with_query(DiffQuerySerializer)
    def diff(self, request, pk=None):
        """The differences from another version of the dataset to this one, image by image."""
        version = self.get_object()
        asked = self.query
        against = _against(version, asked.get("against"))
        page = diffs.page(against, version, asked.get("kind"), asked["after"], asked["limit"])
        found = {"against": against.pk, "version": version.pk, "counts": page.counts}
        return Response(DiffSerializer(found | {"changes": page.changes, "next": page.next}).data)

    @extend_schema(responses=VersionImagesSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    @with_query(ImagesQuerySerializer)
    def images(self, request, pk=None):
        """The version's images, filtered, ordered by id."""
        version = self.get_object()
        if not version.is_ready:
            raise ValidationError({"version": [_("%(name)s is not ready.") % {"name": version}]})
        after, limit, wanted = self.query["after"], self.query["limit"], filter_of(self.query)
        with indexes.opened(version) as index:
            found, count = index.page(wanted, after, limit + 1), index.count(wanted)
        more = found[limit - 1].id if len(found) > limit else None
        return Response(VersionImagesSerializer({"count": count, "images": found[:limit], "next": more}).data)

    @extend_schema(
        parameters=[RANGE],
        responses={(status, "application/zip"): OpenApiTypes.BINARY for status in (200, 206)},
    )
    @action(detail=True, url_path="export", content_negotiation_class=AnyAnswer)
    @with_query(ExportQuerySerializer)
    def exported(self, request, pk=None):
        """The version as a zip in ``format``, generated while it is sent, or a range of it."""
        version = self.get_object()
        if not version.is_ready:
            raise ValidationError(
                {"format": [shown(msg("This version is not ready: wait for its check to end."))]}
            )
        layout = self.query["format"]
        try:
            return contents.serve_export(request, version, layout)
        except (export.ExportError, StagingError) as error:
            raise ValidationError({"format": [shown(error)]}) from error


def _against(version: DatasetVersion, pk: int | None) -> DatasetVersion:
    """The version to compare with: the given one of the same dataset, or the parent."""
    other = version.parent if pk is None else version.dataset.versions.filter(pk=pk).first()
    if other is None:
        sentence = _("This is a first version: name another version of the dataset to compare it with.")
        if pk is not None:
            sentence = _("This dataset has no version with the id %(id)s.") % {"id": pk}
        raise ValidationError({"against": [sentence]})
    for one in (version, other):
        if not one.is_ready:
            raise ValidationError(
                {"against": [_("%(version)s is not ready: wait for its check to end.") % {"version": one}]}
            )
    return other
