"""What a person wants of a model, from one page to the next: try it, put it back, mend its mistakes."""

import re
from itertools import product

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from portal.devices import running
from portal.devices.models import Device, InferenceImage
from portal.models.models import Evaluation
from portal.runs.models import Run
from tests.datasets.index_builders import ready_version
from tests.datasets.test_copies import alike
from tests.e2e.forms import choose_chip
from tests.factories import class_zip, png, zip_of
from tests.graphs import deployments_of
from tests.runs.test_input_fit import of_sides
from tests.seed import Seeder, everything

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURE = {"name": "rex.png", "mimeType": "image/png", "buffer": png()}


@pytest.fixture
def rows(live_server, people):
    """The run "done" is what the virtual board runs, as the board itself said."""
    found = everything(people["team"], people["alice"])
    deployment = deployments_of(found["done"]).first()
    running.record(found["virtual"], deployment.release)
    return found


@pytest.fixture
def newer(rows, people) -> Run:
    """Another run of the same dataset, whose model the virtual board runs now."""
    seed = Seeder(people["team"], people["alice"])
    run = seed.run(rows["version"], "Digits, longer")
    seed.train(run)
    deployment = seed.deploy(run, seed.convert(run), rows["virtual"])
    running.record(rows["virtual"], deployment.release, timezone.now())
    return run


def runs_now(page, device: Device):
    page.goto(reverse("device-detail", args=[device.pk]))
    return page.locator("section:has(> h2:text-is('What runs on it'))")


def test_a_picture_is_tried_from_the_run_page(open_page, rows, worker):
    page = open_page()
    page.goto(rows["done"].get_absolute_url())
    page.set_input_files("#next input[type=file]", PICTURE)
    page.click("#next >> text=Run inference")
    expect(page.locator(".answer .label")).to_have_text("dog")
    expect(page.locator("main")).to_contain_text(rows["done"].name)


def test_an_older_model_is_deployed_from_models_and_rolled_back_on_the_device(open_page, rows, newer, worker):
    page, device = open_page(), rows["virtual"]
    expect(runs_now(page, device)).to_contain_text(newer.name)

    page.click("nav >> text=Models")
    older = page.locator("tr", has=page.get_by_role("link", name=rows["done"].name, exact=True))
    expect(older).not_to_contain_text(device.name)
    older.get_by_role("link", name="Deploy…").click()
    page.locator("#deploy-device").select_option(str(device.pk))
    page.locator("#next").get_by_role("button", name="Deploy").click()
    expect(page.locator("#job-live")).to_contain_text("Succeeded")
    expect(runs_now(page, device)).to_contain_text(rows["done"].name)

    before = page.locator("tr", has=page.get_by_role("link", name=newer.name, exact=True))
    before.get_by_role("button", name="Deploy again").click()
    expect(page.locator("#job-live")).to_contain_text("Succeeded")
    expect(runs_now(page, device)).to_contain_text(newer.name)


def test_a_worse_model_does_not_replace_a_better_one(open_page, rows, worker):
    page, device = open_page(), rows["virtual"]
    page.goto(f"{reverse('run-new')}?version={rows['version'].pk}")
    page.check(f"label:has-text('{device.name}') input")
    page.click("text=Start the run")
    expect(page.locator("#step-board")).to_contain_text("keeps its model")  # the fake's 95 % against 98.70 %
    expect(page.locator("main")).to_contain_text("is better: 98.70 % against 95.00 %")
    expect(runs_now(page, device)).to_contain_text(rows["done"].name)


def test_a_mistake_is_relabelled_and_becomes_a_new_version(open_page, rows, worker):
    page = open_page()
    page.goto(rows["done"].get_absolute_url())
    page.locator(".matrix td.wrong-2 a").first.click()
    expect(page.locator("h1")).to_have_text("scratch on the left edge taken for 5")
    expect(page.locator(".answer")).to_have_count(2)
    page.get_by_role("link", name="Relabel in the grid").click()
    expect(page.locator(".shot")).to_have_count(2)
    page.locator(".shot input").first.check()
    page.select_option("#edit select[name=class_id]", label="6")
    page.get_by_role("button", name="Relabel", exact=True).click()
    expect(page.locator(".shot .was")).to_have_count(1)
    page.get_by_role("link", name="Review and create a version").click()
    page.get_by_role("button", name="Create the new version").click()
    expect(page.get_by_text("What changed from v1")).to_be_visible()
    assert DatasetVersion.objects.get(parent=rows["version"]).diff["relabelled"] == 1


def test_a_test_split_drawn_at_the_upload_measures_the_run(open_page, people, worker):
    page = open_page()
    page.goto(reverse("dataset-new"))
    page.fill("#id_name", "Pets")
    page.set_input_files("#id_file", {"name": "pets.zip", "mimeType": "application/zip",
                                      "buffer": class_zip(images=10).read()})  # fmt: skip
    page.click("summary:has-text('More')")
    page.fill("#id_test_percent", "20")
    page.click("text=Upload and check")
    page.click("text=Looks right")
    expect(page.locator("main")).to_contain_text(re.compile(r"12 \+ 4 \+ 4"))
    page.click("text=Train with it")
    choose_chip(page)
    page.click("text=Start the run")
    expect(page.locator("#step-rknn")).to_contain_text("Succeeded")
    expect(page.locator("#verdict")).to_contain_text("4 test images")
    assert set(Evaluation.objects.values_list("split", flat=True)) == {"test"}


def test_new_run_follows_the_dataset_and_the_preset_also_after_going_back(open_page, rows, people):
    large = Seeder(people["team"], people["alice"]).version("Photographs")
    large.statistics = of_sides(s1200=9)
    large.save()
    page = open_page()
    page.goto(reverse("run-new"))
    expect(page.locator("#id_dataset_version")).to_have_value(str(large.pk))
    expect(page.locator("input[name=preset][value=balanced]")).to_be_checked()
    page.select_option("#id_dataset_version", str(rows["version"].pk))
    expect(page.locator("input[name=preset][value=fast]")).to_be_checked()
    expect(page.locator("#presets")).to_contain_text("million cycles on Rockchip RV1106")

    page.check("input[name=preset][value=accurate]")
    expect(page.locator("#id_epochs")).to_have_attribute("placeholder", "40")
    page.goto(reverse("run-list"))
    page.go_back()
    expect(page.locator("input[name=preset][value=accurate]")).to_be_checked()
    expect(page.locator("#id_epochs")).to_have_attribute("placeholder", "40")


def test_of_copies_side_by_side_one_of_each_is_kept(open_page, people):
    version = ready_version(people["team"], people["alice"], fill=alike, class_names=("cat", "dog"))
    with indexes.opened(version) as index:
        code = next(code for code in index.marks() if code.startswith("copy-in"))
    page = open_page(viewport={"width": 390, "height": 844})
    page.goto(reverse("dataset-copies", args=[version.pk, code]))
    expect(page.locator(".shot")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".shot", has_text="same-1.png").get_by_role("radio").check()
    page.get_by_role("button", name="Keep one of each").click()
    expect(page.locator("main")).to_contain_text("No duplicates left")
    page.get_by_role("link", name="Review and create a version").click()
    expect(page.locator("ol.changes")).to_contain_text("Removed: 2 images.")


def test_an_image_unlike_the_training_images_is_marked_on_the_device_page(open_page, rows):
    InferenceImage.objects.filter(pk=rows["inference"].images.first().pk).update(unlikeness=1.6)
    page = open_page()
    page.goto(reverse("device-detail", args=[rows["virtual"].pk]))
    expect(page.locator("#answers .answer", has_text="Unlike any image")).to_have_count(1)


def test_a_dataset_with_a_given_test_split_only_is_measured_on_it(open_page, people, worker):
    """The validation split is drawn from the training images; the final figures are of the test images."""
    places = [f"{split}/{label}" for split, label in product(("train", "test"), ("cat", "dog"))]
    pets = zip_of(
        {f"{place}/{n}.png": (60 * m, 11 * n, 7) for m, place in enumerate(places) for n in range(8)}
    )
    page = open_page()
    page.goto(reverse("dataset-new"))
    page.fill("#id_name", "Pets")
    page.set_input_files("#id_file", {"name": "pets.zip", "mimeType": "application/zip",
                                      "buffer": pets.read()})  # fmt: skip
    page.click("text=Upload and check")
    page.click("text=Looks right")
    expect(page.locator("main")).to_contain_text(re.compile(r"\d+ \+ \d+ \+ 16"))
    page.click("text=Train with it")
    page.check("input[name=chips][value=rv1106]")
    page.click("text=Start the run")
    expect(page.locator("#verdict")).to_contain_text("16 test images")
