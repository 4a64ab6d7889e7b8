"""What stands in the bar of every page, and which entry a page belongs to."""

ENTRIES = [
    # (address name, word, icon)
    ("home", "Home", "house"),
    ("dataset-list", "Datasets", "images"),
    ("run-list", "Runs", "play-circle"),
    ("model-list", "Models", "box"),
    ("device-list", "Devices", "cpu"),
    ("job-list", "Queue", "list-task"),
    ("team-members", "Team", "people"),
]
_SECTIONS = {
    "home": "home",
    "dataset": "dataset-list",
    "run": "run-list",
    "model": "model-list",
    "device": "device-list",
    "inference": "device-list",
    "job": "job-list",
    "team": "team-members",
    "token": "team-members",
    "audit": "team-members",
}


def section_of(request) -> str:
    """The entry that a page's address belongs to: ``run-new`` and ``run-detail`` to ``run-list``."""
    match = request.resolver_match
    return _SECTIONS.get((match.url_name or "").split("-")[0], "") if match else ""
