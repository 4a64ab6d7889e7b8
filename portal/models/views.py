"""Pages of compiled models: list, chips, accuracy, placements."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.shortcuts import get_object_or_404, render

from portal import tasks
from portal.core import configs
from portal.core.paging import page_of
from portal.devices.models import Device
from portal.models import pages, placements
from portal.models.board_code import programs
from portal.models.file_names import rknn_name
from portal.models.models import CompiledModel, Evaluation
from portal.tasks import Stage


@dataclass
class Line:
    """One row of the list of compiled models."""

    compiled: CompiledModel
    page: pages.Page
    stages: dict[str, Evaluation] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)


def model_list(request):
    """All compiled models, newest first."""
    rows = CompiledModel.objects.for_team(request.team).ready().for_lists()
    chip = request.GET.get("chip", "")
    if chip in configs.chips():
        rows = rows.filter(chip=chip)
    page = page_of(rows, request)
    context = {
        "page": page,
        "lines": _lines(list(page)),
        "metric": tasks.metric_title(row.model.task for row in page),
        "chip": chip,
        "chips": configs.chips(),
    }
    return render(request, "models/list.html", context)


def model_code(request, pk):
    """Programs that use a compiled model on its boards."""
    rows = CompiledModel.objects.for_team(request.team).ready()
    compiled = get_object_or_404(rows.select_related("model__dataset_version__dataset", "job"), pk=pk)
    context = {
        "compiled": compiled,
        "page": pages.of([compiled.model])[compiled.model_id],
        "programs": programs(compiled),
        "file_name": rknn_name(compiled),
    }
    return render(request, "models/code.html", context)


def _lines(rows: list[CompiledModel]) -> list[Line]:
    known = pages.of([row.model for row in rows])
    lines = {row.pk: Line(row, known[row.model_id]) for row in rows}
    measured = Evaluation.objects.filter(
        compiled_model__in=lines, stage__in=(Stage.ONNX, Stage.SIMULATOR)
    ).defer("metrics")
    for one in measured:
        lines[one.compiled_model_id].stages[one.stage] = one
    for pk, devices in placements.of(set(lines)).items():
        lines[pk].devices = devices
    return list(lines.values())
