"""A task unknown to this release, so that rows naming it can still be displayed."""

from __future__ import annotations

from typing import Any

from portal.core.untrusted import record
from portal.tasks.base import DatasetFacts, Prediction, Task
from portal.tasks.figures import Change, Predicted, Thresholds
from workers.contract.messages import msg


class Unknown(Task):
    """Displays nothing of its own and starts nothing."""

    metric = metric_title = class_metric = ""
    charts = class_columns = ()
    answer = staticmethod(record({}))
    is_known = False

    def __init__(self, name: str):
        self.name = name

    def refusals(self, facts: DatasetFacts) -> list[str]:
        return [
            msg(
                "This release cannot train for {task}: such data can be reviewed, edited and exported.",
                task=self.title,
            )
        ]

    def view(
        self, prediction: dict[str, Any], size: tuple[int, int] | None, thresholds: Thresholds
    ) -> Predicted:
        return Predicted("–")

    def summarise(self, predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
        return {"images": len(predictions)}

    def compare(self, before: list[Prediction], after: list[Prediction]) -> dict[str, Any]:
        return {}

    def changed(self, before: list[Prediction], after: list[Prediction]) -> list[dict[str, Any]]:
        return []

    def change(self, row: dict[str, Any], names: list[str]) -> Change:
        raise NotImplementedError("an unknown task says of no image that it changed")

    def golden(self, predictions: list[Prediction], count: int) -> list[tuple[str, dict[str, Any]]]:
        return []

    def prediction(self, row: Prediction, answer: dict[str, Any]) -> Prediction:
        return dict(row)

    def fault(self, answer: dict[str, Any], classes: int) -> str:
        return msg("a prediction for a task that is not known")
