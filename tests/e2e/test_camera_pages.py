"""Images from the browser's camera go into a class of a draft; Chromium's camera is made of software here."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from portal.camera import services
from portal.core import relay
from portal.devices.models import Device
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# The camera of a phone that is turned: the same element shows a stream of other proportions.
TURN = """async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [48, 64];
  const drawing = canvas.getContext("2d");
  const draw = () => {
    drawing.fillStyle = `rgb(90 ${Date.now() % 256} 90)`;
    drawing.fillRect(0, 0, 48, 64);
  };
  setInterval(draw, 30);
  const video = document.querySelector("video");
  video.srcObject = canvas.captureStream(30);
  await video.play();
}"""


def test_one_image_and_a_burst_land_in_the_class_and_a_refused_camera_is_a_sentence(
    browser, live_server, people
):
    draft = services.begin(people["team"], people["alice"], "Bolts", "classification")
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/sign-in/")
    page.fill("#id_username", "alice")
    page.fill("#id_password", PASSWORD)
    page.click("main button")
    page.wait_for_selector("nav")
    page.goto(f"/camera/{draft.pk}/")
    page.click("[data-on]")
    expect(page.locator("[data-note]")).to_contain_text("did not allow")
    context.grant_permissions(["camera"], origin=live_server.url)
    page.click("[data-on]")
    page.wait_for_selector("video:not([hidden])")
    page.fill("[data-class]", "bolt")
    page.click("[data-take]")
    expect(page.locator("[data-report]")).to_contain_text("stored: 1")
    page.fill("[data-count]", "3")
    page.fill("[data-every]", "50")
    page.click("[data-burst]")
    expect(page.locator("[data-report]")).to_contain_text("stored: 4")
    expect(page.locator(".camera-image")).to_have_count(4)
    expect(page.locator("[data-total]")).to_have_text("4 images")
    assert set(draft.images.values_list("class_name", "origin")) == {("bolt", "browser")}
    page.evaluate(TURN)
    page.wait_for_function("document.querySelector('video').videoHeight === 64")
    page.click("[data-take]")
    expect(page.locator("[data-report]")).to_contain_text("stored: 5")
    upright = draft.images.latest("pk")
    assert (upright.width, upright.height) == (48, 64), "of a phone that was turned meanwhile"
    assert errors == []
    context.close()


def _frame(number):
    """A message of the stream, as the relay sends it."""
    image = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 90, 90)).save(image, "JPEG")
    fields = {"type": "frame", "number": number, "label": "bolt", "score": 0.9, "ms": 2.5, "camera": "Bench"}
    return relay.framed(relay.pack(fields | {"width": 64, "height": 48}, image.getvalue()))


def test_a_live_page_whose_board_vanished_says_so_and_follows_who_starts_it_again(open_page, people):
    owner = {"team": people["team"], "created_by": people["alice"]}
    device = Device.objects.create(**owner, name="Bench", profile="virtual", host_key="ssh-ed25519 SHA256:x")
    page = open_page()
    starts, state = [], {"active": True, "failed": False, "sentence": "streaming"}
    gone = {"active": False, "failed": True, "sentence": "The connection broke: check its cable."}

    def stream(route):
        if len(starts) == 1:
            state.update(gone)  # before the page can ask
        route.fulfill(body=b"".join(map(_frame, range(3))))

    def start(route):
        starts.append(route)
        state.update(active=True, failed=False, sentence="streaming")
        route.fulfill(json=state)

    page.route("**/stream/", stream)
    page.route("**/state/", lambda route: route.fulfill(json=state))
    page.route("**/start/", start)
    page.goto(f"/camera/devices/{device.pk}/")
    expect(page.locator("[data-note]")).to_have_text(gone["sentence"])
    expect(page.locator("[data-toggle]")).to_have_text("Start again")
    expect(page.locator("[data-answer]")).to_have_text("")
    expect(page.locator("[data-ms]")).to_have_text("–")
    assert len(starts) == 1, "a board that is gone is not tried again by itself"
    state.update(active=True, failed=False, sentence="streaming")  # a colleague has started it
    starts.append(None)
    expect(page.locator("[data-toggle]")).to_have_text("Pause")
    expect(page.locator("[data-answer]")).to_have_text("bolt 90.0 %")


def test_a_capture_page_whose_board_has_no_camera_for_it_says_why_and_can_start_again(open_page, people):
    owner = {"team": people["team"], "created_by": people["alice"]}
    device = Device.objects.create(**owner, name="Bench", profile="virtual", host_key="ssh-ed25519 SHA256:x")
    draft = services.begin(people["team"], people["alice"], "Bolts", "classification")
    page = open_page()
    waits = {"active": True, "failed": False, "sentence": "Waiting for a worker."}
    busy = {"active": False, "failed": True, "sentence": "Another program may be using the camera: stop it."}
    tries = []

    def start(route):
        tries.append(route)
        route.fulfill(json=waits)

    page.route("**/start/", start)
    page.route("**/state/", lambda route: route.fulfill(json=waits if len(tries) == 2 else busy))
    page.route("**/stream/", lambda route: route.fulfill(body=_frame(1) if len(tries) == 2 else b""))
    page.goto(f"/camera/{draft.pk}/?device={device.pk}")
    page.select_option("[data-source]", index=1)
    page.click("[data-on]")
    expect(page.locator("[data-note]")).to_have_text(busy["sentence"])
    expect(page.locator("[data-take]")).to_be_disabled()
    page.click("[data-on]")
    expect(page.locator("[data-take]")).to_be_enabled()
    expect(page.locator("[data-canvas]")).to_be_visible()
    assert len(tries) == 2, "it was not tried again by itself"
