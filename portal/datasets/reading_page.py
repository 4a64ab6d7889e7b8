"""How an upload was read, for the page of its version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.datasets import reviews
from portal.datasets.models import Dataset, DatasetVersion
from portal.datasets.reading_forms import ROLE_TITLES, LabellingForm, ReadingForm, by_path
from workers.datakit.readers import LAYOUTS

OPTION_TITLES = {
    "as": _("Format"),
    "label_column": _("Label column"),
    "image_column": _("Image column"),
    "split_column": _("Split column"),
    "one_hot": _("Columns that are a class each"),
    "tables": _("Tables"),
    "ids_from": _("First class id"),
    "ignore": _("Leave out"),
    "roles": _("Folders"),
}
SPLIT_ORIGINS = {
    "folders": _("from the folders"),
    "lists": _("from the list files"),
    "column": _("from a column of the table"),
    "file names": _("from the names of the files"),
}


@dataclass(frozen=True, slots=True)
class Understood:
    """One reading as a page shows it. ``facts`` is its stored form, see ``datakit.reading``."""

    number: int  # among the alternatives
    facts: dict[str, Any]

    @property
    def folders(self) -> list[tuple[str, Any, int]]:
        """The top-level folders: name, role, number of images."""
        return [
            (row["folder"], ROLE_TITLES.get(row["role"], row["role"]), row["images"])
            for row in by_path(self.facts["roles"])
        ]

    @property
    def options(self) -> list[tuple[Any, str]]:
        return titled(self.facts["options"])

    @property
    def split_origin(self) -> Any:
        origin = self.facts["split"]["origin"]
        return SPLIT_ORIGINS.get(origin, origin) if origin else ""

    @property
    def class_words(self) -> str:
        """The first classes by name, for a short summary."""
        names = [row["name"] for row in self.facts["classes"][:8]]
        return ", ".join(names) + (" …" if self.facts["class_count"] > len(names) else "")


def titled(options: dict[str, Any]) -> list[tuple[Any, str]]:
    """Options as title and value."""
    return [(title, _value(options[name])) for name, title in OPTION_TITLES.items() if name in options]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{folder}: {ROLE_TITLES.get(role, role)}" for folder, role in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def remembered(dataset: Dataset) -> dict[str, Any] | None:
    """How the next upload to a dataset is read, if a person has confirmed one."""
    kept = dataset.reading
    if not kept:
        return None
    one = LAYOUTS.get(kept.get("format") or "")
    return {"number": kept["version"], "format": one.name if one else "", "options": titled(kept["options"])}


def of(version: DatasetVersion) -> dict[str, Any]:
    """The page's view of how a version was read; empty if unknown."""
    found = version.reading
    if not found:
        return {}
    chosen = found.get("chosen")
    others = found.get("alternatives", [])
    return {
        "certain": found.get("certain", True),
        "understood": Understood(0, chosen) if chosen else None,
        "alternatives": [Understood(number, facts) for number, facts in enumerate(others)],
        "said": titled(version.options.get(reviews.READING, {})),
        "remembered": version.options.get("remembered"),
    }


def kinds_left_out(version: DatasetVersion) -> set[str]:
    """The codes of findings that the reading already covers."""
    chosen = (version.reading or {}).get("chosen") or {}
    return {row["kind"] for row in chosen.get("left_out", [])}


def review(
    version: DatasetVersion, form: ReadingForm | None, labelling: LabellingForm | None = None
) -> dict[str, Any]:
    """The question on the page of a version that waits for a person, or that was refused."""
    if not reviews.can_reread(version):
        return {}
    context = {"reading_form": form or ReadingForm(version=version)}
    if labelling or _may_be_unlabelled(version):
        context["labelling_form"] = labelling or LabellingForm()
    return context | ({"expires": reviews.expires(version)} if version.in_review else {})


def _may_be_unlabelled(version: DatasetVersion) -> bool:
    """Whether it was refused and no two classes were found: people upload photographs to label them here."""
    chosen = (version.reading or {}).get("chosen")
    return not version.in_review and (chosen is None or chosen["class_count"] < 2)
