"""Drafts: changes to a version that become the next one. Only its author can use a draft."""

from __future__ import annotations

import contextlib

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.calls import with_query, without_body
from portal.core.messages import shown
from portal.datasets import drafts, indexes, proposals
from portal.datasets.draft_models import Draft
from portal.datasets.draft_serializers import (
    ChangeMadeSerializer,
    CommitSerializer,
    DecisionSerializer,
    DraftChangeSerializer,
    DraftSerializer,
    NewDraftSerializer,
    ProposalsQuerySerializer,
    ProposalsSerializer,
)
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from portal.datasets.serializers import DatasetVersionSerializer
from workers.contract.messages import msg

FIELDS = {"images": "ids", "from": "from_class"}  # payload key of the checks → API field


class DraftViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Draft.objects.select_related("base__dataset", "dataset")
    serializer_class = DraftSerializer
    read_role = "member"
    write_scope = "datasets"
    orderings = ("id", "created_at")
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        rows = rows.filter(created_by=self.request.user)
        return rows.with_length() if self.action == "list" else rows

    @extend_schema(request=NewDraftSerializer, responses={201: DraftSerializer})
    def create(self, request):
        """Start a draft, or continue the open one."""
        form = NewDraftSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        rows = DatasetVersion.objects.for_team(request.team).select_related("dataset", "job")
        version = rows.filter(pk=form.validated_data["dataset_version"]).first()
        if version is None:
            raise ValidationError({"dataset_version": [shown(msg("There is no version with this id."))]})
        with refusals(), transaction.atomic():
            draft = drafts.begin(request.user, version)
        return Response(DraftSerializer(draft).data, status=201)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Discard the draft."""
        with refusals():
            drafts.discard(self.get_object())
        return Response(status=204)

    @extend_schema(request=DraftChangeSerializer, responses={201: ChangeMadeSerializer})
    @action(detail=True, methods=["post"])
    def changes(self, request, pk=None):
        """Add a change. Undone changes can no longer be redone then."""
        draft = self._open()
        form = DraftChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        kind, payload = form.change()
        if kind == "boxes":
            payload |= proposals.corrected(draft, payload.get("image", 0))
        with refusals():
            change = drafts.add(request.user, draft.base, kind, payload)
        return Response(ChangeMadeSerializer(change).data, status=201)

    @extend_schema(responses=ProposalsSerializer)
    @action(detail=True)
    @with_query(ProposalsQuerySerializer)
    def proposals(self, request, pk=None):
        """A model's pending proposals."""
        draft = self.get_object()
        with indexes.opened(draft.base) as index:
            waiting = proposals.waiting(draft, index)
        left = [image for image in waiting if image > self.query["after"]]
        some = left[: self.query["limit"]]
        following = some[-1] if len(left) > len(some) else None
        page = {"count": len(waiting), "proposals": draft.proposals.filter(image__in=some), "next": following}
        return Response(ProposalsSerializer(page).data)

    @extend_schema(request=DecisionSerializer, responses={201: ChangeMadeSerializer})
    @action(detail=True, methods=["post"])
    def accept(self, request, pk=None):
        """Accept the proposed labels of these images: one change, which can be undone."""
        return self._decide(proposals.accept)

    @extend_schema(request=DecisionSerializer, responses={201: ChangeMadeSerializer})
    @action(detail=True, methods=["post"])
    def reject(self, request, pk=None):
        """Reject the proposed labels of these images; their own labels do not change."""
        return self._decide(proposals.reject)

    def _decide(self, act) -> Response:
        draft = self._open()
        form = DecisionSerializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        with refusals():
            change = act(self.request.user, draft.base, form.images())
        return Response(ChangeMadeSerializer(change).data, status=201)

    @extend_schema(responses=DraftSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def undo(self, request, pk=None):
        """Undo the last change; no effect if there is none."""
        draft = self.get_object()
        with refusals():
            drafts.undo(draft)
        return Response(DraftSerializer(draft).data)

    @extend_schema(responses=DraftSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def redo(self, request, pk=None):
        """Redo the last undone change; no effect if there is none."""
        draft = self.get_object()
        with refusals():
            drafts.redo(draft)
        return Response(DraftSerializer(draft).data)

    @extend_schema(request=CommitSerializer, responses={201: DatasetVersionSerializer})
    @action(detail=True, methods=["post"])
    def commit(self, request, pk=None):
        """Make the next version from the draft, in a job. If the job fails, the draft is open again."""
        draft = self.get_object()
        form = CommitSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with refusals():
            version = drafts.commit(draft, form.validated_data["message"])
        return Response(DatasetVersionSerializer(version).data, status=201)

    def _open(self) -> Draft:
        """The draft, if it is still open: a person has one open draft per dataset."""
        draft = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        if not draft.is_open:
            raise ValidationError({"draft": [drafts.closed()]})
        return draft


@contextlib.contextmanager
def refusals(field: str = "draft"):
    """Turn the services' refusals into responses with the sentence at its field, ``field`` by default."""
    try:
        yield
    except ChangeRefused as refusal:
        at = FIELDS.get(refusal.field, refusal.field) or field
        raise ValidationError({at: [shown(refusal)]}) from refusal
