"""Calls of the API with a wrong value are told the bound, its unit and what to give."""

import re

import pytest
from django import forms
from django.urls import get_resolver
from rest_framework import serializers
from rest_framework.test import APIClient

UNITS = {
    "ms": "milliseconds", "seconds": "seconds", "minutes": "minutes", "hours": "hours", "days": "days",
    "bytes": "bytes", "mib": "MiB", "mb": "MiB", "cycles": "cycles", "width": "pixels", "height": "pixels",
}  # fmt: skip


def bounded_fields():
    """The numbers with a bound that the portal's serializers declare, by serializer and name."""
    get_resolver().url_patterns  # noqa: B018 (imports every module with serializers)
    for kind in subclasses(serializers.BaseSerializer):
        for name, field in getattr(kind, "_declared_fields", {}).items():
            if kind.__module__.startswith("portal.") and getattr(field, "max_value", None) is not None:
                yield f"{kind.__name__}.{name}", field


def subclasses(kind):
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def test_no_field_speaks_in_the_frameworks_words():
    fields = dict(bounded_fields())
    assert len(fields) > 40
    texts = {name: [str(one.message) for one in field.validators] for name, field in fields.items()}
    assert [name for name, said in texts.items() if any("Ensure" in text for text in said)] == []


def test_forms_say_what_cannot_be_chosen():
    get_resolver().url_patterns  # noqa: B018 (imports every module with forms)
    choosing = (forms.ChoiceField, forms.ModelChoiceField)
    said = {
        f"{kind.__name__}.{name}": str(field.error_messages["invalid_choice"])
        for kind in subclasses(forms.BaseForm)
        for name, field in getattr(kind, "base_fields", {}).items()
        if kind.__module__.startswith("portal.") and isinstance(field, choosing)
    }
    assert len(said) > 20
    assert [name for name, text in said.items() if "valid choice" in text] == []


def test_a_bound_is_told_with_its_unit():
    missing = []
    for name, field in bounded_fields():
        unit = UNITS.get(re.split(r"[._]", name)[-1])
        if unit and unit not in str(field.error_messages["max_value"]):
            missing.append(name)
    assert missing == []


@pytest.mark.django_db
def test_the_sentence_names_the_field_the_bound_and_the_unit(alice):
    api = APIClient()
    api.force_authenticate(alice)
    answer = api.post("/api/v1/rollouts/", {"hours": 9999, "at_once": 0}, format="json")
    assert answer.json()["errors"]["hours"] == ["Give at most 2160 hours."]
    assert answer.json()["errors"]["at_once"] == ["Give 1 or more boards."]
    assert "hours: Give at most 2160 hours." in answer.json()["detail"]
