"""What people bring and do that boxes must survive: the odd, the huge, the empty, and two at once."""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from portal.datasets import drafts, indexes, services
from portal.datasets.refused_changes import ChangeRefused
from portal.tasks.detection_doubts import doubts
from tests.datasets.index_builders import boxed, ready_version


def picture(size, colour=(90, 20, 7)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def coco(team, alice, run_jobs, images, boxes, **options):
    """A version of a COCO upload: ``images`` are sizes by name, ``boxes`` (name, class, left, top, w, h)."""
    names = list(images)
    classes = sorted({box[1] for box in boxes}) or ["car"]
    document = {
        "images": [
            {"id": n, "file_name": name, "width": images[name][0], "height": images[name][1]}
            for n, name in enumerate(names)
        ],
        "annotations": [
            {"id": n, "image_id": names.index(box[0]), "category_id": classes.index(box[1]), "bbox": box[2:]}
            for n, box in enumerate(boxes)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate(classes)],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, (name, size) in enumerate(images.items()):
            archive.writestr(f"images/{name}", picture(size, (10 * number % 256, 30, 7)))
        archive.writestr("annotations.json", json.dumps(document))
    upload = SimpleUploadedFile("street.zip", buffer.getvalue())
    version = services.create_version(team, alice, "Street", upload, options)
    run_jobs()
    version.refresh_from_db()
    return version


def codes(version):
    return {finding["code"]: finding["count"] for finding in version.findings}


def test_two_thousand_boxes_in_one_image_are_read_shown_and_kept(team, alice, run_jobs, alices):
    crowd = [("crowd.png", "car", 3 * (n % 50), 3 * (n // 50), 2.5, 2.5) for n in range(2000)]
    images = {"crowd.png": (160, 130)} | {f"{n}.png": (64, 48) for n in range(6)}
    others = [(f"{n}.png", "car", 5, 5, 20, 20) for n in range(6)]
    version = coco(team, alice, run_jobs, images, crowd + others)
    assert version.is_ready, version.job.message
    with indexes.opened(version) as index:
        row = next(row for row in index.all() if row.original.endswith("crowd.png"))
    assert len(row.box_rows()) == 2000
    page = alices.get(reverse("dataset-image-page", args=[version.pk, row.id]))
    assert page.status_code == 200 and len(page.content) < 200_000
    shown = alices.get(
        reverse("dataset-image-page", args=[version.pk, row.id]), {"boxes": 40}
    ).content.decode()
    assert shown.count('value="remove-box"') == 50 and "1951 to 2000 of 2000" in shown
    assert shown.count("<rect") == 0 and shown.count("<path d=") == 1
    drafts.add(alice, version, "boxes", {"image": row.id, "boxes": row.box_rows()})
    with pytest.raises(ChangeRefused, match="An image can have 2000 boxes"):
        drafts.add(alice, version, "boxes", {"image": row.id, "boxes": [*row.box_rows(), [0, 1, 1, 9, 9]]})


def test_images_of_one_pixel_and_of_fifty_megapixels_are_taken(team, alice, run_jobs):
    images = {"dot.png": (1, 1), "wide.png": (10_000, 5_000)} | {f"{n}.png": (64, 48) for n in range(6)}
    boxes = [("dot.png", "car", 0, 0, 1, 1), ("wide.png", "car", 9_000, 4_000, 900, 900)]
    boxes += [(f"{n}.png", "car", 5, 5, 20, 20) for n in range(6)]
    version = coco(team, alice, run_jobs, images, boxes)
    assert version.is_ready, version.job.message
    assert version.images == 8 and {"tiny-image", "huge-image", "box-tiny"} <= set(codes(version))


def test_more_than_fifty_megapixels_are_left_out_with_a_sentence(team, alice, run_jobs):
    images = {"wide.png": (10_001, 5_000)} | {f"{n}.png": (64, 48) for n in range(6)}
    version = coco(team, alice, run_jobs, images, [(f"{n}.png", "car", 5, 5, 20, 20) for n in range(6)])
    assert version.is_ready and version.images == 6
    assert any("wide.png" in str(finding["examples"]) for finding in version.findings)


def test_boxes_that_are_inverted_outside_or_of_no_area_are_told(team, alice, run_jobs):
    images = {f"{n}.png": (64, 48) for n in range(6)}
    boxes = [(f"{n}.png", "car", 5, 5, 20, 20) for n in range(6)]
    boxes += [
        ("0.png", "car", 40, 40, -10, -10),
        ("1.png", "car", 200, 5, 9, 9),
        ("2.png", "car", 5, 5, 0, 9),
    ]
    boxes += [("3.png", "car", 60, 40, 30, 30)]
    version = coco(team, alice, run_jobs, images, boxes)
    assert version.is_ready, version.job.message
    assert {"box-inverted", "box-outside", "box-empty", "box-over-edge"} <= set(codes(version))


def test_no_boxes_at_all_is_no_dataset_to_train_on(team, alice, run_jobs, alices):
    def bare(pack):
        boxed(pack)
        for row in pack.rows:
            del row.boxes[:]

    version = ready_version(team, alice, "Bare", fill=bare, class_names=["car"], task="detection")
    assert version.is_blocked and codes(version)["no-boxes"] == 1 and "small-classes" not in codes(version)
    assert "No image has a box yet" in str(version.training_refusals[0])
    page = alices.get(reverse("dataset-version", args=[version.pk])).content.decode()
    assert page.count(reverse("dataset-draw", args=[version.pk])) == 2  # above, and at the finding


def test_one_giant_class_is_told_and_can_be_trained_on(team, alice, run_jobs):
    images = {f"{n}.png": (64, 48) for n in range(30)}
    boxes = [(f"{n}.png", "car", 5, 5, 20, 20) for n in range(30)] + [
        ("0.png", "tram", 30, 5, 20, 20),
        ("1.png", "tram", 30, 5, 20, 20),
    ]
    version = coco(team, alice, run_jobs, images, boxes)
    assert version.is_ready and not version.is_blocked
    assert codes(version)["unequal-classes"] == 1


def test_a_class_that_only_validation_has_blocks_the_training_with_its_name(team, alice):
    def fill(pack):
        boxed(pack, 8)
        for number, row in enumerate(pack.rows):
            row.split = "val" if number < 2 else "train"
            if row.split == "val":
                row.boxes.extend([2, 1, 1, 9, 9])

    version = ready_version(team, alice, "Street", fill=fill, task="detection")
    assert "1 class has no image in the training split" in str(version.training_refusals[0])
    finding = next(one for one in version.findings if one["code"] == "no-train-images")
    assert "Bird" in str(finding["examples"])


def test_two_people_drawing_on_one_image_have_drafts_of_their_own(team, alice, bob):
    street = ready_version(team, alice, "Street", fill=boxed, task="detection")
    drafts.add(alice, street, "boxes", {"image": 1, "boxes": [[0, 1, 1, 9, 9]]})
    drafts.add(bob, street, "boxes", {"image": 1, "boxes": []})
    with indexes.opened(street) as index:
        plans = [drafts.plan_of(drafts.open_draft(one, street.dataset), index) for one in (alice, bob)]
        assert [plan.now(index.image(1)).box_rows() for plan in plans] == [[[0, 1, 1, 9, 9]], []]


def test_the_last_class_with_boxes_cannot_go(team, alice):
    street = ready_version(
        team, alice, "Street", fill=lambda pack: boxed(pack), class_names=["car", "tram"], task="detection"
    )
    drafts.add(alice, street, "drop", {"class_id": 1})
    with pytest.raises(ChangeRefused, match="at least 1 must stay"):
        drafts.add(alice, street, "drop", {"class_id": 0})


def test_a_training_that_finds_nothing_says_what_to_look_at():
    metrics = {"map": 0.0, "ap50": 0.0, "images": 20, "boxes": 60, "per_class": []}
    (doubt,) = doubts(metrics, None)
    assert (
        doubt.sentence == "The model finds no object." and "Look at the boxes of the dataset" in doubt.advice
    )
