"""Compares how fast the pages of a version of 100,000 images open with those of one of 100.

    .venv/bin/python -m tests.bench.report_page [--images 100000] [--times 20]

Indexes and rows are made directly, with findings on many images; the pages are asked for by Django's test
client, in turns, so that both see the same machine. Prints one JSON object as its last line: ``ratio`` is of
the report page's medians, ``pages`` has those of the grid (whole, by class, by finding, its last page), of
one image, and of the preview of an upload that waits for a person, as well.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

CLASSES = 10


def rows(count: int):
    from workers.datakit.index import ImageRow

    for number in range(count):
        class_id = number * CLASSES // count
        marks = {"blurred": f"sharpness {number % 9}"} if number % 7 == 0 else {}
        yield ImageRow(
            original=f"line {number % 3}/class {class_id}/{number:06d}.jpg",
            sha256=f"{number * 2654435761 % 2**256:064x}",
            pack="p-0.pack",
            start=100 * number,
            size=100,
            suffix=".jpg",
            width=640,
            height=480,
            split="val" if number % 5 == 0 else "train",
            class_id=class_id,
            brightness=90.0,
            contrast=30.0,
            sharpness=200.0,
            dhash=number,
            marks=marks,
        )


def reading(images: int) -> dict:
    """As much as a reading may say: 200 classes and folders, ten alternatives."""
    one = {
        "format": "folders", "name": "class folders", "task": "classification", "images": images,
        "class_count": 200, "options": {}, "problem": None, "for": [], "against": ["It is a bench."],
        "classes": [{"name": f"c{n}", "images": n, "train": n, "val": 0} for n in range(200)],
        "roles": [{"folder": f"line {n}", "role": "class", "images": n} for n in range(200)],
        "split": {"origin": "folders", "train": images, "val": 0}, "unread": {"count": 0, "examples": []},
        "left_out": [{"kind": f"kind-{n}", "count": 9, "reason": "Nine files were left out.",
                      "examples": [f"{m}.txt" for m in range(10)]} for n in range(10)],
    }  # fmt: skip
    return {
        "certain": False,
        "question": "Which?",
        "refusal": None,
        "chosen": one,
        "alternatives": [one] * 10,
    }


def in_review(version) -> None:
    """Let the version wait for a person."""
    version.review, version.reading, version.upload_bytes = "waiting", reading(version.images), 1
    version.save()


def ready_version(team, user, count: int, folder: Path):
    """A version that is ready, as the ingest would leave it, without packs."""
    from django.core.files import File

    from portal.datasets.models import Dataset, DatasetVersion
    from portal.jobs.models import Job, Status
    from workers.datakit.histograms import statistics_of
    from workers.datakit.index import write_index

    names = [f"class {number}" for number in range(CLASSES)]
    path = folder / f"{count}.sqlite"
    write_index(path, names, "classification", list(rows(count)))
    each = count // CLASSES
    dataset = Dataset.objects.create(team=team, name=f"{count} images", created_by=user)
    job = Job.objects.create(
        team=team, created_by=user, kind="ingest", queue="default", status=Status.SUCCEEDED
    )
    blurred = -(-count // 7)
    version = DatasetVersion(
        dataset=dataset, team=team, number=1, job=job, upload_name="images.zip", layout="class folders",
        split="stratified", class_names=names, images=count, train_images=count - count // 5,
        val_images=count // 5, bytes=100 * count, content_hash=f"{count:064x}",
        counts=[
            {"name": name, "train": each - each // 5, "val": each // 5, "test": 0, "total": each}
            for name in names
        ],
        findings=[{
            "level": "warn", "code": "blurred", "message": f"{blurred} are blurred.", "advice": "Look.",
            "count": blurred, "examples": [{"image": 7 * n + 1, "text": f"{n}"} for n in range(10)],
        }],
        statistics=statistics_of(rows(count)),
    )  # fmt: skip
    with path.open("rb") as source:
        version.index.save(f"datasets/{dataset.pk}/index.sqlite", File(source), save=False)
    version.save()
    return version


def addresses(version, count: int) -> dict[str, str]:
    base = f"/datasets/versions/{version.pk}/"
    return {
        "report": base,
        "grid": f"{base}images/",
        "class": f"{base}images/?class_id={CLASSES - 1}",
        "finding": f"{base}images/?mark=blurred&after={count // 2}",
        "last": f"{base}images/?after={count - 70}",
        "image": f"{base}images/{count // 2}/?class_id={CLASSES // 2}",
    }


def measure(client, small: dict[str, str], large: dict[str, str], times: int) -> dict[str, dict]:
    took: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in small}
    for turn in range(times + 1):
        for name in small:
            for side, address in enumerate((small[name], large[name])):
                start = time.perf_counter()
                answer = client.get(address)
                seconds = time.perf_counter() - start
                assert answer.status_code == 200, (address, answer.status_code)
                if turn:  # the first opens files and compiles templates
                    took[name][side].append(seconds)
    return {name: _figures(*sides) for name, sides in took.items()}


def _figures(small: list[float], large: list[float]) -> dict[str, float]:
    medians = statistics.median(small), statistics.median(large)
    return {
        "small_ms": round(1000 * medians[0], 1),
        "large_ms": round(1000 * medians[1], 1),
        "ratio": round(medians[1] / medians[0], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        os.environ |= {"SLIPWAY_VAR": folder, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.test import Client

        from portal.teams.models import Membership, Role, Team, User

        settings.ALLOWED_HOSTS = ["testserver"]
        call_command("migrate", verbosity=0)
        team, user = Team.objects.create(name="Bench"), User.objects.create_user("bench")
        Membership.objects.create(team=team, user=user, role=Role.MEMBER)
        client = Client()
        client.force_login(user)
        small, large = (ready_version(team, user, count, Path(folder)) for count in (100, wanted.images))
        pages = measure(client, addresses(small, 100), addresses(large, wanted.images), wanted.times)
        for version in (small, large):
            in_review(version)
        preview = [{"preview": addresses(version, 100)["report"]} for version in (small, large)]
        pages |= measure(client, *preview, wanted.times)
    print(json.dumps({"images": wanted.images, "ratio": pages["report"]["ratio"], "pages": pages}))


if __name__ == "__main__":
    main()
