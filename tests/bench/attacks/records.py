"""What is written down: names with line breaks, refused calls in the audit, secrets in the access log."""

from __future__ import annotations

import threading
import time
from collections import Counter

import requests

from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import require_status

FLOOD_CALLS, FLOOD_THREADS, FLOOD_SECONDS = 1200, 6, 20
LIMIT = 400  # calls a minute, as tests.bench.attack sets it
MOST_ROWS = 100
BAD = [
    "two\nlines",
    "two\r\nBcc: all@example.org",
    "two\u2028lines",
    "evil\u202egpj.exe",
    "bell\x07",
    "a\x85b",
]
FORBIDDEN = set("\n\r\u2028\u2029\u202e\x07\x85")


@attack("16 names with line breaks")
def names_with_line_breaks(scene) -> None:
    """Give everything that has a name one with a line break, a bell or a change of direction."""
    from portal.datasets.models import Dataset, Upload
    from portal.notify.models import Webhook
    from portal.teams.models import ApiToken, Invitation, Team

    team = Team.objects.get(name="Alpha")
    for name in BAD:
        _name_everything(scene.api("alpha-admin"), team, name)
    columns = [
        (ApiToken, "name"), (Invitation, "note"), (Team, "name"), (Webhook, "name"), (Dataset, "name"),
        (Upload, "filename"), (Upload, "dataset_name"),
    ]  # fmt: skip
    stored = [
        f"{model.__name__}.{column} {text!r}"
        for model, column in columns
        for text in model.objects.values_list(column, flat=True)
        if set(text) & FORBIDDEN
    ]
    Team.objects.filter(pk=team.pk).update(name="Alpha")  # as the other attacks know it
    require(not stored, f"These were stored: {', '.join(stored[:5])}.")


def _name_everything(admin, team, name: str) -> None:
    admin.post("/api/v1/tokens/", json={"name": name, "scopes": ["read"]})
    admin.post("/api/v1/invitations/", json={"role": "viewer", "note": name})
    admin.patch(f"/api/v1/teams/{team.pk}/", json={"name": name})
    hook = {"name": name, "url": "http://127.0.0.1:9/", "events": ["run.finished"]}
    admin.post("/api/v1/webhooks/", json=hook)
    file = (name, b"PK", "application/zip")
    admin.post("/api/v1/datasets/", data={"name": name}, files={"file": file})
    metadata = ",".join(f"{key} {_base64(name)}" for key in ("filename", "dataset"))
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": metadata}
    admin.post("/api/v1/uploads/", headers=headers)


def _base64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode()).decode()


@attack("16 refused calls")
def a_flood_of_refused_calls(scene) -> None:
    """Make hundreds of calls that are refused, with a dead token and with one that may not."""
    from portal.teams.models import AuditEntry

    viewer, stranger = scene.api("alpha-viewer"), scene.stranger("203.0.113.7")
    stranger.headers["Authorization"] = f"Bearer slw_{'0' * 40}"
    left_of_the_minute = 60 - time.time() % 60
    if left_of_the_minute < FLOOD_SECONDS:
        time.sleep(left_of_the_minute)  # the limit counts by the minute
    before = AuditEntry.objects.count()
    refused = _flood([viewer.headers, stranger.headers], scene.base + "/api/v1/invitations/")
    rows = AuditEntry.objects.count() - before
    total = sum(sum(statuses.values()) for statuses in refused)
    require(rows < MOST_ROWS, f"{rows} rows in the audit for {total} refused calls.")
    for statuses in refused:
        odd = [status for status in statuses if status not in (401, 403, 429)]
        require(not odd, f"Refused calls were answered with {dict(statuses)}.")
        limited = statuses[429] or sum(statuses.values()) <= LIMIT
        require(limited, f"No call was limited: {dict(statuses)}.")


def _flood(askers: list, address: str) -> list[Counter]:
    """Call as each of the askers at the same time; return how often which status came."""
    found = [Counter() for _ in askers]
    deadline = time.monotonic() + FLOOD_SECONDS

    def call(number: int) -> None:
        with requests.Session() as session:
            session.headers.update(askers[number])
            for _ in range(FLOOD_CALLS // FLOOD_THREADS):
                if time.monotonic() > deadline:
                    return
                try:
                    answer = session.post(address, json={"role": "admin"}, timeout=60)
                    found[number][answer.status_code] += 1
                except requests.RequestException as error:
                    found[number][type(error).__name__] += 1

    numbers = [number % len(askers) for number in range(FLOOD_THREADS)]
    threads = [threading.Thread(target=call, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@attack("16 secrets in the access log")
def secrets_in_the_access_log(scene) -> None:
    """Open links that hold a secret, and look for the secrets in every log."""
    admin = scene.api("alpha-second-admin")
    invitation = admin.post("/api/v1/invitations/", json={"role": "viewer"})
    require_status(invitation, (201,))
    links = [invitation.json()["link"]]
    rows = admin.get("/api/v1/members/").json()["results"]
    member = next(row["id"] for row in rows if row["username"] == "alpha-member")
    made = admin.post(f"/api/v1/members/{member}/reset-link/")
    require_status(made, (200,))
    links.append(made.json()["link"])
    for link in links:
        for tail in ("", "?next=/x", "x"):
            scene.stranger().get("/" + link.split("/", 3)[3] + tail)
    scene.stranger().get("/api/v1/runs/?token=slw_planted-in-the-address")
    time.sleep(1)
    secrets = [link.rstrip("/").rsplit("/", 1)[1] for link in links] + ["slw_planted-in-the-address"]
    for log in (scene.var / "logs").iterdir():
        text = log.read_text(encoding="utf-8", errors="replace")
        require(not any(secret in text for secret in secrets), f"{log.name} holds the secret of a link.")
