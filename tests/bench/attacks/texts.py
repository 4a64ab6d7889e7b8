"""Texts that people write: expressions that backtrack, values told back, caches that grow."""

from __future__ import annotations

import time

from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import require_status

ANSWER_SECONDS = 5
TOLD_BACK = 1500  # bytes of an answer, for each value of 8000 characters in it
CHINESE = {"Accept-Language": "zh-hans"}
# Each repeats what some sentence of ours holds between its places.
PUMPED = [
    "There is no preset " + "; choose one of " * 1200,
    "There is no preset a; choose one of b. " * 500,
    ", ".join(f"{number} of the" for number in range(1800)),
    "a. " * 6000,
    "The board shows " + "another key: " * 1300,
    "The The The " * 1500 + ".",
    "('" * 4000 + "')" * 4000,
    " " * 17_000 + "x",
]
CACHE_TEXTS, CACHE_BYTES, CACHE_MB = 60, 300_000, 100


def _timed(call, what: str, statuses: tuple[int, ...]):
    """Make a call that must be answered in time and without an error of ours."""
    began = time.monotonic()
    answer = call()
    seconds = time.monotonic() - began
    require_status(answer, statuses)
    require(seconds < ANSWER_SECONDS, f"{what}: answered after {seconds:.1f} s.")
    return answer


REFUSED = (400, 413, 422, 429)


@attack("3 long values")
def eight_kilobytes_of_scopes(scene) -> None:
    """A viewer sends scopes, names and filters that are pumped to hang an expression, in Chinese."""
    scene.person("robert", "admin")
    caller = scene.api("robert")
    caller.headers.update(CHINESE)
    for text in PUMPED:
        value = text[:8000]
        for scopes in ([value], value, [value] * 20):
            body = {"name": "a", "scopes": scopes}
            made = _timed(lambda body=body: caller.post("/api/v1/tokens/", json=body), "scopes", REFUSED)
            most = TOLD_BACK * (len(scopes) if isinstance(scopes, list) else 1)
            require(len(made.content) < most, f"An error tells {len(made.content)} bytes of values back.")
        for path, name in (("/api/v1/runs/", "q"), ("/api/v1/history/", "q"), ("/api/v1/audit/", "text")):
            query = {name: value[:1500]}
            _timed(lambda p=path, q=query: caller.get(p, params=q), path, (200, *REFUSED))


@attack("3 a preset of a kilobyte")
def a_preset_of_two_kilobytes(scene) -> None:
    """A member starts runs with presets, chips and recipes that no run has, on the Chinese page and API."""
    browser, caller = scene.browser("alpha-member", language="zh-hans"), scene.api("alpha-member")
    caller.headers.update(CHINESE)
    for text in PUMPED:
        for length in (1100, 2300, 8000):
            value = text[:length]
            form = {"preset": value, "recipe": value, "chips": [value], "epochs": value, "name": value}
            page = _timed(lambda form=form: browser.post("/runs/new/", form), "the page", REFUSED)
            require(len(page.content) < 400_000, f"The page is {len(page.content)} bytes long.")
            body = {"dataset_version": 1, "preset": value, "chips": [value], "params": {value: value}}
            _timed(lambda body=body: caller.post("/api/v1/runs/", json=body), "the API", REFUSED)


@attack("3 a board's error message")
def a_boards_message_of_seventeen_kilobytes(scene) -> None:
    """Jobs ended with the messages that a board wrote; read every page that shows them, in Chinese."""
    from django.utils import timezone

    from portal.devices.models import Device
    from portal.jobs.models import Job
    from portal.teams.models import Team

    team = Team.objects.get(name="Alpha")
    pages = ["/jobs/", "/history/", "/devices/", "/"]
    for number, text in enumerate(PUMPED):
        message = f"The board answered: {text}"[:17_000]
        job = Job.objects.create(
            team=team, kind="probe", queue="deploy", status="failed", message=message, error_kind="input",
            finished_at=timezone.now(),
        )  # fmt: skip
        device = Device.objects.create(
            team=team, name=f"said {number}", profile="virtual", host="198.51.100.9", host_key="k",
            problem=message, probe_job=job,
        )  # fmt: skip
        pages += [f"/jobs/{job.pk}/", f"/devices/{device.pk}/"]
    browser = scene.browser("alpha-viewer", language="zh-hans")
    for path in pages:
        _timed(lambda path=path: browser.get(path), path, (200,))
    Device.objects.filter(name__startswith="said ").delete()


@attack("3 a cache that grows")
def texts_fill_a_cache(scene) -> None:
    """Send sixty different texts of 300 KB that end in an error, and look at the memory."""
    before = scene.megabytes()
    caller = scene.api("alpha-operator")
    caller.headers.update(CHINESE)
    for number in range(CACHE_TEXTS):
        text = f"{number} " + "x" * CACHE_BYTES
        answer = caller.post("/api/v1/tokens/", json={"name": "a", "scopes": [text]})
        require_status(answer, REFUSED)
        answer = caller.post("/api/v1/datasets/imports/", json={"source": text, "path": text, "name": text})
        require(answer.status_code < 500, f"imports: status {answer.status_code}.")
    growth = scene.megabytes() - before
    require(growth < CACHE_MB, f"The portal takes {growth:.0f} MB more after {CACHE_TEXTS} long texts.")
