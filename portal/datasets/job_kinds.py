"""The job kinds that make versions, and how jobs relate to datasets."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.filters import RowOf
from portal.datasets import drafts, reviews, services, stored_bytes, usage
from portal.datasets.models import Dataset, DatasetVersion
from portal.jobs import filters, kinds, search
from portal.jobs.kinds import Subject
from portal.jobs.models import ACTIVE
from portal.teams import quota_usage
from portal.teams.quota_usage import StoragePart


def register() -> None:
    kinds.register(
        kinds.Kind(
            name="ingest",
            title=_("Check dataset"),
            queue="default",
            time_limit=4 * 3600,
            prepare=services.prepare_ingest,
            counts_files=False,  # they are the dataset
            complete=services.complete_ingest,
            claim=services.claim_ingest,
            held_up=_held_up,
            folder=services.folder_of,
            replace=services.replace,
            subjects=subjects,
            after=reviews.after_end,
        )
    )
    kinds.register(
        kinds.Kind(
            name="revise",
            title=_("Create a new version"),
            queue="default",
            time_limit=3600,
            prepare=drafts.prepare_revise,
            complete=drafts.complete_revise,
            folder=services.folder_of,
            replace=drafts.replace,
            subjects=subjects,
            after=drafts.after_revise,
        )
    )
    usage.add_reading_jobs("dataset_version__source__content_hash")
    quota_usage.add_storage(
        StoragePart("datasets", _("Images of datasets and their indexes"), stored_bytes.of_datasets)
    )
    quota_usage.add_storage(
        StoragePart("uploads", _("Uploads that are no dataset yet"), stored_bytes.of_uploads)
    )
    search.add_word_place(_named)
    ways = ("dataset_version__dataset", "step__run__dataset_version__dataset")
    filters.add_filter("dataset", RowOf(Dataset.objects.for_team, *ways))


def _held_up(ids: set[int]) -> set[int]:
    """The queued checks that add to a dataset whose earlier versions are not checked yet."""
    earlier = DatasetVersion.objects.filter(
        dataset=OuterRef("dataset"), number__lt=OuterRef("number"), job__status__in=ACTIVE
    )
    adding = DatasetVersion.objects.filter(Exists(earlier), job__in=ids, options__mode="add")
    return set(adding.order_by().values_list("job", flat=True))


def subjects(ids: set[int]) -> dict[int, Subject]:
    """The versions that jobs make."""
    return {
        version.job_id: Subject(str(version), reverse("dataset-version", args=[version.pk]))
        for version in DatasetVersion.objects.filter(job__in=ids).select_related("dataset")
    }


def _named(word: str, team) -> Q:
    versions = DatasetVersion.objects.for_team(team).filter(
        Q(dataset__name__icontains=word) | Q(upload_name__icontains=word)
    )
    return Q(pk__in=versions.order_by().values("job"))
