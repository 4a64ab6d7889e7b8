"""Uploads by tus 1.0, for any tus client, and their states."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.bodies import an_archive
from portal.core.calls import with_query
from portal.datasets import receiving, tus, uploads
from portal.datasets.filters import UploadFilter
from portal.datasets.models import Upload
from portal.datasets.serializers import MetadataSerializer, ReceivedUploadSerializer, UploadsQuerySerializer
from portal.teams.models import Role
from workers.contract.messages import msg

TUS_VERSION = {"type": "string", "enum": [tus.VERSION], "x-enum-varnames": ["TUS_1_0_0"]}
TUS = OpenApiParameter("Tus-Resumable", TUS_VERSION, OpenApiParameter.HEADER, required=True)
OVERRIDES = ("PATCH", "DELETE")
NOT_YOURS = msg("This upload is another person's: only they can send more of it.")
NOT_YOURS_TO_DISCARD = msg(
    "This upload is another person's: only they and an administrator of the team can discard it."
)


def header(name: str, kind: type = int, required: bool = True) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, required=required)


class UploadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    """tus 1.0. ``GET`` is an addition: the state of an upload, from its first byte to the end of the
    dataset's check.
    """

    queryset = Upload.objects.select_related("version__job", "version__dataset", "created_by").defer(
        "version__reading"
    )
    serializer_class = ReceivedUploadSerializer
    filterset_class = UploadFilter
    orderings = ("created_at",)  # ids are unordered
    write_scope = "datasets"
    refusals = (409, 410, 411, 412, 413, 415, 423, 460, 507)
    most_bytes = staticmethod(an_archive)
    unlimited_methods = ("PATCH", "HEAD")  # a large file arrives in many pieces
    parser_classes = []  # the body is read in blocks, never parsed

    def get_queryset(self):
        rows = super().get_queryset()
        fingerprint = self.query.get("fingerprint")
        if fingerprint is None:
            return rows
        mine = rows.waiting().filter(created_by=self.request.user)
        return mine.with_metadata(tus.pair("fingerprint", fingerprint))

    @with_query(UploadsQuerySerializer)
    def list(self, request):
        """The team's uploads.

        With ``fingerprint``, only the caller's own resumable ones that were announced with this metadata: a
        client finds its upload again without any state of its own.
        """
        return super().list(request)

    def dispatch(self, request, *args, **kwargs):
        """The protocol lets clients that support only POST name another method in a header."""
        wanted = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and wanted in OVERRIDES:
            request.method = wanted
        return super().dispatch(request, *args, **kwargs)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = tus.VERSION
        response["Cache-Control"] = "no-store"
        if response.status_code == 412:
            response["Tus-Version"] = tus.VERSION
        if response.status_code in tus.REASONS:
            response.reason_phrase = tus.REASONS[response.status_code]
        return response

    def options(self, request, *args, **kwargs):
        """The supported protocol, and the maximum file size."""
        response = Response(status=204)
        tus.introduce(response)
        return response

    @extend_schema(
        request=None,
        parameters=[TUS, header("Upload-Length"), header("Upload-Metadata", str, required=False)],
        responses={201: None},
    )
    def create(self, request):
        """Announce a file; its URL is in ``Location``.

        ``Upload-Metadata`` may hold ``filename``; ``dataset``, the name of the dataset whose next version the
        file becomes once it is complete; and the options of ``POST /api/v1/datasets/``: lists have one entry
        per line, ``roles`` one ``folder=role`` per line. The first bytes may be in the same request.
        """
        tus.check_version(request)
        length = tus.length(request)
        form = MetadataSerializer(data=tus.metadata(request))
        form.is_valid(raise_exception=True)
        upload = uploads.create(
            request.team,
            request.user,
            length,
            form.clean_filename(),
            form.validated_data.get("dataset", ""),
            form.options(),
            request.headers.get("Upload-Metadata", ""),
        )
        if tus.has_body(request) and length:
            receiving.append(upload, 0, tus.body(request._request))
        response = self._moved(upload, 201)
        response["Location"] = reverse("api-upload", args=[upload.pk])
        return response

    @extend_schema(parameters=[TUS], responses={200: None})
    def offset(self, request, pk):
        """``HEAD``: the byte to continue from. 423 while a connection is sending, or was until just now.

        So a client that lost its connection waits here, instead of sending a chunk that is refused.
        """
        tus.check_version(request)
        upload = self._upload()
        if upload.is_held:
            raise tus.ProtocolError(423, receiving.BUSY)
        response = Response(status=200)
        tus.describe(response, upload)
        response["Upload-Length"] = str(upload.length)
        if upload.metadata:
            response["Upload-Metadata"] = upload.metadata
        return response

    @extend_schema(
        request={tus.CONTENT_TYPE: bytes},
        parameters=[TUS, header("Upload-Offset"), header("Upload-Checksum", str, required=False)],
        responses={204: None},
    )
    def append(self, request, pk):
        """``PATCH``: the next bytes of one's own upload. ``Upload-Offset`` of the response counts them."""
        tus.check_version(request)
        offset = tus.number(request, "Upload-Offset")
        body = tus.body(request._request)
        upload = self._upload()
        if upload.created_by_id != request.user.pk:
            raise PermissionDenied(NOT_YOURS)
        receiving.append(upload, offset, body)
        return self._moved(upload, 204)

    @extend_schema(request=None, parameters=[TUS], responses={204: None})
    def terminate(self, request, pk):
        """``DELETE``: discard an upload with all its bytes: one's own, or, as an administrator, anyone's."""
        tus.check_version(request)
        upload = self.get_object()
        if upload.created_by_id != request.user.pk and not request.membership.at_least(Role.ADMIN):
            raise PermissionDenied(NOT_YOURS_TO_DISCARD)
        uploads.discard(upload)
        return Response(status=204)

    def _upload(self) -> Upload:
        upload = self.get_object()
        if upload.is_expired:
            raise tus.ProtocolError(410, receiving.expired_sentence(upload))
        return upload

    @staticmethod
    def _moved(upload: Upload, status: int) -> Response:
        response = Response(status=status)
        tus.describe(response, upload)
        return response


upload_list = UploadViewSet.as_view({"get": "list", "post": "create"})
upload_detail = UploadViewSet.as_view(
    {"get": "retrieve", "head": "offset", "patch": "append", "delete": "terminate"}
)
