"""The images that a model got wrong, or all of one cell of its confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.core.numbers import whole_number
from portal.core.templatetags.slipway import chip_title
from portal.datasets.stored_images import file_names, number_of
from portal.models.evaluations import predictions_of
from portal.models.models import Evaluation
from portal.runs.graph import Graph
from portal.tasks import Stage
from portal.tasks.figures import Change, Shown

MOST = 200


@dataclass(frozen=True)
class Source:
    """An evaluated stage, in words."""

    evaluation: Evaluation
    title: str


@dataclass(frozen=True)
class Picture:
    """An image with its number in the dataset version, for URLs."""

    number: int
    shown: Shown | Change

    @classmethod
    def of(cls, shown: Shown | Change) -> Picture:
        return cls(number_of(shown.image), shown)


class Mistakes:
    """The images selected by ``query``: ``of`` an evaluation, ``truth`` and ``answer`` class ids, all
    optional.

    Without ``truth`` and ``answer``: every mistake. The highest scores come first.
    """

    def __init__(self, graph: Graph, query):
        self.graph, self.names = graph, graph.class_names
        self.sources = sources(graph)
        wanted = whole_number(query.get("of", ""))
        known = {source.evaluation.pk: source for source in self.sources}
        self.source = known.get(wanted) or next(iter(self.sources), None)
        self.truth, self.answer = (self._class(query.get(name, "")) for name in ("truth", "answer"))
        rows = predictions_of(self.source.evaluation) if self.source else []
        found = graph.task.pictures(rows, self.truth, self.answer, self.names)
        self.total = len(found)
        self.pictures = [Picture.of(one) for one in found[:MOST]]
        self.files = file_names(graph.run.dataset_version, [picture.number for picture in self.pictures])

    def _class(self, text: str) -> int | None:
        number = whole_number(text)
        return number if number is not None and number < len(self.names) else None

    @property
    def ids(self) -> str:
        """The displayed images, for the URL of the grid."""
        return ",".join(str(picture.number) for picture in self.pictures)

    @property
    def title(self) -> str:
        truth, answer = (None if one is None else self.names[one] for one in (self.truth, self.answer))
        if truth is not None and truth == answer:
            return _("%(truth)s, recognized") % {"truth": truth}
        if truth is not None and answer is not None:
            return _("%(truth)s taken for %(answer)s") % {"truth": truth, "answer": answer}
        if truth is not None:
            return _("Mistakes on %(truth)s") % {"truth": truth}
        if answer is not None:
            return _("Wrongly taken for %(answer)s") % {"answer": answer}
        return _("Mistakes")


def sources(graph: Graph) -> list[Source]:
    """The evaluations with predictions, in order: the trained model, each chip, each board."""
    found = [(graph.evaluated.uncompiled, _("imported model") if graph.is_imported else _("trained model"))]
    for compiled in graph.compiled:
        found.append((graph.evaluated.find(Stage.SIMULATOR, compiled.pk), chip_title(compiled.chip)))
    for row in graph.deployments:
        found.append((graph.evaluated.find(Stage.BOARD, job_id=row.job_id), row.device.name))
    return [Source(evaluation, title) for evaluation, title in found if evaluation is not None]
