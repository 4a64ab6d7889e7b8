"""The page of a model: its run's page, which only an app above knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.urls import reverse

from portal.models.models import Model


@dataclass(frozen=True)
class Page:
    """``names`` gives the same for programs: ``{"run": {"id": 3, "name": "Parts"}}``.

    ``deploy``: the URL where a POST of ``device`` deploys the model; empty if that is not possible.
    """

    words: str
    url: str
    names: dict[str, dict] = field(default_factory=dict)
    deploy: str = ""


_finders: list[Callable[[set[int]], dict[int, Page]]] = []


def add_finder(find: Callable[[set[int]], dict[int, Page]]) -> None:
    """Register ``find(model ids)``: the pages of the models that it knows, by model id."""
    _finders.append(find)


def of(models: Iterable[Model]) -> dict[int, Page]:
    """A page for each model, by its id; the list of models if no app knows a better one."""
    models = {model.pk: model for model in models}
    found = {pk: Page(model.name, reverse("model-list")) for pk, model in models.items()}
    for find in _finders:
        found |= find(set(models))
    return found
