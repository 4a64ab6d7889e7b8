"""Where a person reads more about a model: the page of what made it, which the app above knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.urls import reverse

from portal.models.models import Model


@dataclass(frozen=True)
class Page:
    """``names``: what stands behind it, for programs: ``{"run": {"id": 3, "name": "Parts"}}``.
    ``deploy``: where a POST of ``device`` puts the model on that device; empty where nothing can.
    """

    words: str
    url: str
    names: dict[str, dict] = field(default_factory=dict)
    deploy: str = ""


_finders: list[Callable[[set[int]], dict[int, Page]]] = []


def add_finder(find: Callable[[set[int]], dict[int, Page]]) -> None:
    """Register ``find(model ids)``: the pages of those that it knows, by the model's id."""
    _finders.append(find)


def of(models: Iterable[Model]) -> dict[int, Page]:
    """A page for each model, by its id; the list of models where nobody knows a better one."""
    models = {model.pk: model for model in models}
    found = {pk: Page(model.name, reverse("model-list")) for pk, model in models.items()}
    for find in _finders:
        found |= find(set(models))
    return found
