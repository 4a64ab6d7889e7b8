"""The main menu, and the entry that a page belongs to."""

from django.utils.translation import gettext_lazy as _

ENTRIES = [
    # (URL name, word, icon)
    ("home", _("Home"), "house"),
    ("dataset-list", _("Datasets"), "images"),
    ("run-list", _("Runs"), "play-circle"),
    ("model-list", _("Models"), "box"),
    ("device-list", _("Devices"), "cpu"),
    ("job-list", _("Queue"), "list-task"),
    ("team-members", _("Team"), "people"),
]
_SECTIONS = {
    "home": "home",
    "dataset": "dataset-list",
    "run": "run-list",
    "fit": "run-list",
    "model": "model-list",
    "device": "device-list",
    "inference": "device-list",
    "camera": "dataset-list",
    "camera-live": "device-list",
    "app": "device-list",
    "review": "device-list",
    "rollout": "device-list",
    "group": "device-list",
    "job": "job-list",
    "history": "job-list",
    "team": "team-members",
    "service": "team-members",
    "token": "team-members",
    "audit": "team-members",
    "policy": "team-members",
    "webhook": "team-members",
}


def section_of(request) -> str:
    """The entry of a URL name: ``run-new`` and ``run-detail`` belong to ``run-list``."""
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    return _SECTIONS.get(name) or _SECTIONS.get(name.split("-")[0], "")
