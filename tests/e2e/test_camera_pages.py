"""Images from the browser's camera go into a class of a draft; Chromium's camera is made of software here."""

import pytest
from playwright.sync_api import expect

from portal.camera import services
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
    expect(page.locator("[data-note]")).to_contain_text("did not allow", timeout=30_000)
    context.grant_permissions(["camera"], origin=live_server.url)
    page.click("[data-on]")
    page.wait_for_selector("video:not([hidden])")
    page.fill("[data-class]", "bolt")
    page.click("[data-take]")
    expect(page.locator("[data-report]")).to_contain_text("stored: 1", timeout=30_000)
    page.fill("[data-count]", "3")
    page.fill("[data-every]", "50")
    page.click("[data-burst]")
    expect(page.locator("[data-report]")).to_contain_text("stored: 4", timeout=30_000)
    expect(page.locator(".camera-image")).to_have_count(4)
    assert set(draft.images.values_list("class_name", "origin")) == {("bolt", "browser")}
    page.evaluate(TURN)
    page.wait_for_function("document.querySelector('video').videoHeight === 64")
    page.click("[data-take]")
    expect(page.locator("[data-report]")).to_contain_text("stored: 5", timeout=30_000)
    upright = draft.images.latest("pk")
    assert (upright.width, upright.height) == (48, 64), "of a phone that was turned meanwhile"
    assert errors == []
    context.close()
