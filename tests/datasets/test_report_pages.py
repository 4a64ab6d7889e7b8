"""A version's page: verdict, findings with their pictures, classes; comparing, exporting, deleting."""

import io
import zipfile

import pytest
from django.urls import reverse

from portal.core import configs
from portal.datasets import deletion, drafts
from tests.datasets.index_builders import boxed, classified, ready_version

WARNED = {
    "level": "warn", "code": "blurred", "message": "3 images are blurred.", "advice": "Look at them.",
    "count": 3,
    "examples": [{"image": 2, "text": "cat/1.png"}, {"image": None, "text": "left.png was left out"}],
}  # fmt: skip
BLOCKED = {**WARNED, "level": "error", "code": "odd", "message": "Two classes are one.", "examples": []}


@pytest.fixture
def version(team, alice):
    return ready_version(team, alice)


def url(name, version, *args):
    return reverse(name, args=[version.pk, *args])


def text(client, address, **query):
    return " ".join(client.get(address, query).content.decode().split())


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ([], "Ready to train"),
        ([WARNED], "Review 1 warning first"),
        ([WARNED, BLOCKED], "Blocked</strong>"),
    ],
)
def test_the_verdict_stands_at_the_top(alices, version, findings, words):
    version.findings = findings
    version.save()
    assert words in text(alices, url("dataset-version", version))


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        ([], "as the upload gives it"),
        (["val"], "validation drawn from the training images"),
        (["test"], "test drawn from the training images"),
        (["val", "test"], "validation and test drawn from the training images"),
    ],
)
def test_the_split_says_which_part_the_upload_did_not_give(alices, version, drawn, words):
    version.split = "given"
    version.findings = [{**WARNED, "level": "info", "code": f"{split}-drawn"} for split in drawn]
    version.save()
    page = text(alices, url("dataset-version", version))
    assert f"<br>{words}</div>" in page


def test_the_split_of_an_edit_is_that_of_the_version_before(alices, version):
    parent = ready_version(version.team, version.dataset.created_by, "Before")
    version.split, version.parent = "given", parent
    version.save()
    assert "<br>based on the previous version</div>" in text(alices, url("dataset-version", version))


def test_a_finding_says_what_to_do_and_leads_to_its_images(alices, version):
    version.findings = [WARNED]
    version.save()
    page = text(alices, url("dataset-version", version))
    for words in (
        "3 images are blurred.",
        "Look at them.",
        "left.png was left out",
        "Fix them here: 3 images",
    ):
        assert words in page
    assert f'href="{url("dataset-images", version)}?mark=blurred"' in page
    assert f'href="{url("dataset-image-page", version, 2)}?mark=blurred"' in page


def test_findings_of_old_versions_are_texts_and_still_shown(alices, version):
    version.findings = [
        {key: value for key, value in WARNED.items() if key != "advice"} | {"examples": ["a.png"]}
    ]
    version.save()
    assert "a.png" in text(alices, url("dataset-version", version))


def test_a_thousand_classes_are_paged_and_ordered(alices, team, alice):
    names = [f"c{number:04d}" for number in range(1000)]
    version = ready_version(
        team, alice, "Many", fill=lambda pack: classified(pack, 2, names), class_names=names
    )
    page = text(alices, url("dataset-version", version))
    assert page.count('data-label="Class"') == 25 and "page 1 of 40" in page
    assert "The chart shows the 50 largest of 1000 classes" in page
    last = text(alices, url("dataset-version", version), page="40", order="name")
    assert ">c0999</a>" in last and "page 40 of 40" in last
    assert "page 40 of 40" in text(alices, url("dataset-version", version), page="99999999")
    assert "page 1 of 40" in text(alices, url("dataset-version", version), page="x", order="<")


def test_distributions_stand_as_bars_and_as_numbers(alices, version):
    version.statistics = {
        "long_side": {"edges": [0, 16, 32, None], "counts": [0, 24, 0]},
        "box_area": {"edges": [0, 0.001, 0.5, None], "counts": [0, 0, 0]},
        "sizes": [[16, 12, 24]],
    }
    version.save()
    page = text(alices, url("dataset-version", version))
    assert "16–31" in page and "Size of a box" not in page and "16 × 12" in page


def test_a_version_is_exported_in_layouts_that_fit_its_task(alices, version, team, alice):
    page = text(alices, url("dataset-version", version))
    assert (
        url("dataset-export", version, "folders") in page
        and url("dataset-export", version, "coco") not in page
    )
    answer = alices.get(url("dataset-export", version, "folders"))
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == 24
    answer = alices.get(url("dataset-export", version, "coco"), follow=True)
    assert "coco cannot hold a classification set" in answer.content.decode()
    street = ready_version(team, alice, "Street", fill=boxed, task="detection")
    assert url("dataset-export", street, "coco") in text(alices, url("dataset-version", street))


def test_versions_are_compared_by_kind_of_change(alices, version, alice, run_jobs):
    drafts.add(alice, version, "remove", {"images": {"ids": [1]}})
    drafts.add(alice, version, "relabel", {"images": {"ids": [9]}, "class_id": 0})
    made = drafts.commit(drafts.open_draft(alice, version.dataset))
    run_jobs()
    page = text(alices, url("dataset-diff", made))
    assert page.count('<figure class="shot') == 2
    assert '<s class="was">dog</s>' in page
    page = text(alices, url("dataset-diff", made), kind="removed")
    assert page.count('<figure class="shot') == 1 and page.count("shot-removed") == 1
    back = text(alices, url("dataset-diff", version), against=made.pk, kind="added")
    assert back.count('<figure class="shot') == 1
    nothing = alices.get(url("dataset-diff", version), {"against": "x"}, follow=True).content.decode()
    assert "no such version of this dataset to compare with" in nothing


def test_a_deleted_version_is_not_changed(alices, version, alice):
    deletion.delete_version(version, alice)
    refused = alices.post(url("dataset-images", version), {"act": "remove", "image": "1"})
    assert refused.status_code == 422 and "restore it first" in refused.content.decode()


ALIKE = {
    **BLOCKED, "code": "class-name-collision", "message": "car and Car look like one class.",
}  # fmt: skip


@pytest.fixture
def blocked(version):
    version.findings = [ALIKE]
    version.save()
    return version


def test_what_cannot_be_trained_is_blocked_and_not_ready_everywhere(alices, blocked):
    for name, number in (
        ("dataset-version", blocked.pk),
        ("dataset-detail", blocked.dataset_id),
        ("dataset-list", None),
    ):
        page = " ".join(alices.get(reverse(name, args=[number] if number else [])).content.decode().split())
        assert "Blocked" in page and "> Ready<" not in page and "Train with it" not in page, name
    answer = alices.get(f"/api/v1/dataset-versions/{blocked.pk}/").json()
    assert answer["training_refusals"] == ["car and Car look like one class."]


def test_a_task_without_a_recipe_is_blocked(team, alice, monkeypatch):
    version = ready_version(team, alice, "Street", fill=boxed, task="detection")
    recipes = {name: book for name, book in configs.recipes().items() if book.task == "classification"}
    monkeypatch.setattr(configs, "recipes", lambda: recipes)
    assert version.is_blocked and "cannot train for detection" in version.training_refusals[0]


FIXES = [
    ("blurred", [(1, "cat/1.png")], "?mark=blurred"),
    ("near-copy", [(1, "≈ cat/1.png")], "/copies/near-copy/"),
    ("class-name-collision", [], "/changes/#classes"),
    ("no-train-images", [], "?class_id=1"),
    ("no-val-images", [], "?class_id=1&amp;split=train"),
    ("no-test-images", [], "?class_id=1&amp;split=train"),
    ("no-val-images", [], "/changes/#split"),
    ("small-classes", [], "&amp;mode=add"),
    ("unequal-classes", [], "&amp;mode=add"),
]


@pytest.mark.parametrize(("code", "examples", "where"), FIXES, ids=str)
def test_a_finding_leads_to_where_it_is_fixed(alices, bob, client, version, code, examples, where):
    version.counts[1] |= {"train": 0, "val": 0, "test": 0}
    rows = [{"image": image, "text": words} for image, words in examples]
    version.findings = [{**WARNED, "code": code, "examples": rows}]
    version.save()
    found = (
        text(alices, url("dataset-version", version)).partition('id="findings"')[2].partition("</section>")[0]
    )
    assert f'{where}"' in found
    client.force_login(bob)
    found = (
        text(client, url("dataset-version", version)).partition('id="findings"')[2].partition("</section>")[0]
    )
    assert ("Show all" in found) == bool(examples), "a viewer looks, and fixes nothing"
