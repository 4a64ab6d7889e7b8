"""Finds jobs by words, and by what the run is like whose step they are."""

from __future__ import annotations

from django.db.models import Q

from portal.conversions.models import CompiledModel
from portal.core.searching import every_word, number_of, words_of
from portal.datasets.models import DatasetVersion
from portal.deployments.models import Deployment
from portal.devices.models import Device, Inference
from portal.runs import search as runs
from portal.runs.models import Run, TrainedModel

LISTED_AT_MOST = 5_000  # times three, for the three kinds of step


def find(rows, text: str, team):
    """Jobs of the runs that the text finds, and those with every word in their own texts."""
    words = words_of(text)
    if not words:
        return rows
    found = _listed(runs.find(Run.objects.for_team(team), text).order_by().values_list("pk", flat=True))
    return rows.filter(steps_of(found) | every_word(words, lambda word: _anywhere(word, team)))


def _listed(run_ids):
    """The numbers themselves, so that the runs are looked for once and not in each way to their steps; the
    query as it is where it finds more than a database takes as parameters (SQLite: 32,766)."""
    first = list(run_ids[: LISTED_AT_MOST + 1])
    return first if len(first) <= LISTED_AT_MOST else run_ids


def steps_of(run_ids) -> Q:
    """The steps that belong to these runs alone; the check of a dataset belongs to many."""
    ways = Q()
    for model in (TrainedModel, CompiledModel, Deployment):
        ways |= Q(pk__in=model.objects.filter(run__in=run_ids).order_by().values("job"))
    return ways


def _anywhere(word: str, team) -> Q:
    versions = DatasetVersion.objects.for_team(team).filter(
        Q(dataset__name__icontains=word) | Q(upload_name__icontains=word)
    )
    devices = Device.objects.for_team(team).filter(name__icontains=word).order_by().values("pk")
    ways = Q(message__icontains=word) | number_of(word)
    ways |= Q(pk__in=versions.order_by().values("job"))
    ways |= Q(pk__in=Device.objects.filter(pk__in=devices).order_by().values("probe_job"))
    for model in (Inference, Deployment):
        ways |= Q(pk__in=model.objects.filter(device__in=devices).order_by().values("job"))
    return ways
