"""From a board's camera to a version, to a live view with predictions, and its mistake back into the next
version. The board is virtual, its camera shows red, and its model really predicts.
"""

import contextlib
import queue
import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.camera import live
from portal.core import relay
from portal.datasets.models import Dataset, DatasetVersion
from portal.datasets.services import create_version
from portal.devices import running
from portal.review import rules
from portal.review.models import Item
from tests.background import Worker
from tests.devices.board_fixtures import artifacts, renewed_board, rows, shared_board  # noqa: F401
from tests.devices.boards import COLOURS, picture
from tests.devices.live import BEFORE
from tests.factories import zip_of

pytestmark = [pytest.mark.browser, pytest.mark.ssh, pytest.mark.django_db(transaction=True)]


class Hub:
    """Passes frames to watchers as the broker does: the newest, and nothing else."""

    def __init__(self, channel: str):
        self.channel = channel

    watchers: list = []

    def publish(self, fields, data=b"") -> int:
        for one in self.watchers:
            with contextlib.suppress(queue.Empty):
                one.get_nowait()
            one.put(relay.pack(fields, data))
        return len(self.watchers)

    def close(self):
        pass

    @classmethod
    def messages(cls, channel: str):
        mine: queue.Queue = queue.Queue()
        cls.watchers.append(mine)
        try:
            while True:
                try:
                    yield relay.framed(mine.get(timeout=0.5))
                except queue.Empty:
                    yield relay.framed(relay.IDLE)
        finally:
            cls.watchers.remove(mine)


@pytest.fixture
def board(live_server, rows, renewed_board, monkeypatch):  # noqa: F811
    """The rows of a board whose camera shows red, and a worker for its jobs."""
    folder = renewed_board.root / "camera"
    folder.mkdir(exist_ok=True)
    (folder / "red.png").write_bytes(picture("red"))
    renewed_board.order()
    monkeypatch.setattr(live, "Publisher", Hub)
    monkeypatch.setattr(relay, "_messages", Hub.messages)
    monkeypatch.setattr(live, "UNWATCHED_SECONDS", 3)  # longer than a page takes from start to stream
    worker = Worker()
    worker.start()
    yield rows
    worker.stop()


def until(page, condition):
    for _ in range(900):
        if found := condition():
            return found
        page.wait_for_timeout(100)
    raise AssertionError("It never came.")


def newest(number: int):
    return DatasetVersion.objects.filter(dataset__name="Parts", number=number).ready().first()


def test_pictures_of_the_camera_and_a_wrong_answer_come_into_the_next_versions(board, open_page):
    shades = {
        f"{name}/{n}.png": tuple(min(255, c + 9 * n) for c in COLOURS[name])
        for name in COLOURS
        for n in range(5)
    }
    create_version(board.team, board.user, "Parts", zip_of(shades))
    page = open_page(viewport={"width": 1280, "height": 900})
    until(page, lambda: newest(1))

    page.goto(f"{reverse('camera-begin')}?device={board.device.pk}")
    page.fill("#id_dataset", "Parts")
    page.click("main form button")
    page.wait_for_url(re.compile(r"/camera/\d+/"))
    page.fill("#device [name$=class_name]", "red")
    page.fill("#device [name$=count]", "6")
    page.fill("#device [name$=every_ms]", "0")
    page.click("text=Start capturing")
    until(page, lambda: board.device.captures.filter(job__status="succeeded").exists())
    draft = board.device.captures.get().draft
    assert draft.images.count() == 6
    page.goto(reverse("camera-draft", args=[draft.pk]))
    expect(page.locator(".camera-image")).to_have_count(6)
    page.click("form[data-commit] button")
    board.version = until(page, lambda: newest(2))
    assert board.version.images == 21

    board.deployed()
    running.record(board.device, BEFORE)
    rules.put(board.team, board.user, board.device, every=1, live_seconds=1)
    page.goto(reverse("camera-live", args=[board.device.pk]))
    expect(page.locator("[data-answer]")).to_contain_text("red")
    item = until(page, Item.objects.first)

    page.goto(reverse("review-item", args=[item.pk]))
    page.wait_for_load_state()  # its script listens to keys from now on
    page.keyboard.press("2")
    until(page, lambda: Item.objects.filter(pk=item.pk, label="green", corrected=True))
    page.wait_for_url(lambda address: f"/review/{item.pk}/" not in address)  # it goes on with the next
    page.wait_for_load_state()
    page.goto(reverse("review-draft", args=[Dataset.objects.get(name="Parts").pk]))
    expect(page.locator("main")).to_contain_text("corrected")
    page.click("text=Create the next version")
    page.wait_for_url("**/datasets/versions/*/")
    made = until(page, lambda: newest(3))
    assert made.images == 22
    page.goto(f"/datasets/versions/{made.pk}/images/?mark=from-board&text=device-")
    page.click(".shot a")
    for words in ("green", board.device.name, BEFORE):
        expect(page.locator(".zoom")).to_contain_text(words)
