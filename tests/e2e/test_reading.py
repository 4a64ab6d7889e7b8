"""Every main page can be read: in Chinese, in light and dark, on a phone, and with the keyboard alone."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from portal.camera.models import CaptureDraft
from portal.core import configs
from portal.datasets.models import Dataset, DatasetVersion
from portal.deployment.models import Deployment
from portal.devices import services as devices
from portal.devices.errors import Unreachable
from portal.devices.models import Device, JumpHost
from portal.fitting.models import FitSearch
from portal.jobs.models import Job
from portal.models.model_files import ModelFile
from portal.notify.models import Delivery, Webhook
from portal.rollouts.models import Group, Rollout
from portal.runs.models import Run
from portal.teams.identity_models import ServiceAccount
from portal.teams.models import ApiToken, AuditEntry, Invitation, Membership, Role, SignIn
from tests import test_authorization_matrix as matrix

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCRIPT = (Path(__file__).parent / "reading.js").read_text(encoding="utf-8")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
ZOOMED = {"width": 640, "height": 450}  # what a page has of a desk's screen at 200 %

# Words that stay in Latin letters in Chinese as well: names, formats, commands, units.
TERMS = set(
    """
    slipway onnx rknn rknpu npu cpu gpu ssh sftp sha api rest csv json yaml zip tar gz zst top int float
    softmax batch size scale
    paddle paddlex pp lcnet mobilenetv large small lz lockzhiner vision module rockchip tops
    coco pascal voc yolo labelme cvat createml datumaro openimages imagenet edge impulse studio xml xz
    jpeg png bmp webp tiff gif cmyk exif heic pixel
    ed ecdsa rsa openssh sdk usb wi fi root install sh unzip passwd python linux windows chrome firefox
    librknnrt so rknnlite toolkit lite virtual id url ip http https mb gb kb ms team readme
    train val txt label images report model slim best pdparams pdiparams inference predictions provenance
    build calibration labels en english read datasets runs deploy admin eve rgb bgr
    fail ok utf utc email tus openapi idempotency key uuid symbols natural worker default begin private delete
    enter esc webhook post jpg video example hook org supervisely sagemaker ground truth
    mqtt pem tls nanodet ssd yolov mib opset import opencv caffe pytorch tensorflow ca
    kl mmse mhz convrelu fpgm macs taylor ap asia shanghai
    """.split()
)

# The element that has the focus, and whether it or the card around it is marked.
FOCUS = """() => {
  const one = document.activeElement, marked = (element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== "none" || style.boxShadow !== "none";
  };
  return [one.outerHTML.slice(0, 100), marked(one) || marked(one.closest(".choice") ?? one)];
}"""


def nobody_answers(*args):
    raise Unreachable(
        "The board at 10.1.1.144:22 did not answer within 10 seconds: "
        "check that it is powered, its cable or Wi-Fi, and its address."
    )


@pytest.fixture
def rows(live_server, people, monkeypatch):
    Membership.objects.filter(user=people["alice"]).update(role=Role.ADMIN)
    monkeypatch.setattr(devices, "fetch_host_key", nobody_answers)
    return matrix.make_rows(people["team"], people["alice"])


@pytest.fixture
def pages(rows, people) -> dict[str, str]:
    """The address of every page of the authorization table that Alice can open, by name."""
    client, found = Client(), {}
    client.force_login(people["alice"])
    templates = matrix.pages()
    for name in sorted(key.split()[1] for key in matrix.PAGES if key.startswith("GET ")):
        address = "/" + templates[name].format(**matrix.page_values(rows, name))
        answer = client.get(address)
        html = answer.headers.get("Content-Type", "").startswith("text/html")
        html = html and "Content-Disposition" not in answer.headers  # a download is no page
        if answer.streaming:
            answer.close()
        elif answer.status_code == 200 and html and b"<html" in answer.content:
            found[name] = address
    assert len(found) > 25
    return found | {"failed run": reverse("run-detail", args=[rows["failed"].pk])}


def each_page(page, pages):
    """Go to one page after the other; yields its name."""
    for name, address in pages.items():
        page.goto(address)
        if name == "api-docs":  # drawn by a script from the schema
            page.wait_for_selector("#api-docs .opblock-tag")
        page.evaluate(SCRIPT)
        yield name


def read_in(language: str) -> dict:
    return {"locale": language, "extra_http_headers": {"Accept-Language": language}}


def given_names() -> set[str]:
    """Words in what people have named, and in what tools have said, in these rows."""
    columns = {
        Run: ["name", "message", "steps__job__model__facts"],
        Deployment: ["release", "engine"],
        Dataset: ["name"],
        DatasetVersion: ["class_names", "upload_name", "findings", "content_hash"],
        FitSearch: ["name"],
        Rollout: ["name"],
        Group: ["name"],
        Device: ["name", "host", "username", "host_key", "problem", "probe", "inferences__images__name",
                 "inferences__engine", "inferences__images__error"],
        Job: ["message", "worker", "artifacts__name", "artifacts__sha256"],
        Membership: ["user__username", "team__name"],
        ServiceAccount: ["name", "user__username"],
        SignIn: ["browser"],
        AuditEntry: ["object_label", "token_name"],
        ApiToken: ["name", "prefix"],
        Invitation: ["note"],
        Webhook: ["name", "url"],
        JumpHost: ["name", "username"],
        CaptureDraft: ["dataset_name"],
        ModelFile: ["name", "filename", "facts__producer", "facts__operators", "facts__outputs"],
        Delivery: ["event"],
    }  # fmt: skip
    texts = [list(model.objects.values_list(*names)) for model, names in columns.items()]
    titles = [recipe.title for recipe in configs.recipes().values()]
    return set(re.findall(r"[a-z]{2,}", str([texts, titles, *configs.recipes(), *configs.chips()]).lower()))


def test_the_main_pages_in_chinese_have_no_english_words(open_page, pages):
    page = open_page(viewport=DESK, **read_in("zh-CN"))
    known = TERMS | given_names()
    left = {}
    for name in each_page(page, pages):
        found = " ".join(page.evaluate("reading.words()"))
        words = {word for word in re.findall(r"[a-z]{2,}", found.lower()) if word not in known}
        if words:
            left[name] = " ".join(sorted(words))
    assert left == {}, str(left)


@pytest.mark.parametrize("viewport", [PHONE, ZOOMED], ids=["phone", "zoomed to 200 %"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_nothing_is_wider_than_a_phone_or_a_zoomed_page(open_page, pages, language, viewport):
    page = open_page(viewport=viewport, **read_in(language))
    found = {name: page.evaluate("reading.wide()") for name in each_page(page, pages)}
    assert {name: elements for name, elements in found.items() if elements} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(open_page, pages, scheme):
    page = open_page(viewport=DESK, color_scheme=scheme)
    found = {}
    for name in each_page(page, pages):
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        faint = page.evaluate("reading.faint()")
        if faint:
            found[name] = faint
    assert found == {}


def test_faint_wide_and_nameless_things_are_found(open_page):
    page = open_page(viewport=PHONE)
    page.evaluate(SCRIPT)
    page.evaluate("""document.querySelector("main").insertAdjacentHTML("beforeend",
      "<p id=faint>grey on grey</p><button id=nameless></button><div id=wide>wide</div>")""")
    page.evaluate("""document.getElementById("faint").style.color = "rgb(190, 190, 190)";
      document.getElementById("nameless").style.width = "20px";
      document.getElementById("wide").style.width = "900px";""")
    assert "grey on grey" in page.evaluate("reading.faint()")[0]
    assert "nameless" in page.evaluate("reading.nameless()")[0]
    assert "wide" in str(page.evaluate("reading.wide()"))


def test_everything_that_can_be_used_has_a_name(open_page, pages):
    page = open_page(viewport=DESK)
    found = {name: page.evaluate("reading.nameless()") for name in each_page(page, pages)}
    assert {name: elements for name, elements in found.items() if elements} == {}


def test_the_keyboard_reaches_the_page_first_and_its_place_is_seen(open_page):
    page = open_page(viewport=DESK)
    page.goto(reverse("home"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.goto(reverse("run-new"))
    for _ in range(40):
        page.keyboard.press("Tab")
        element, seen = page.evaluate(FOCUS)
        assert seen or element.startswith("<body"), element
