"""History, comparison, provenance, queue, clones, and datasets and devices as they are kept."""

import hashlib

import pytest

from portal.datasets.models import Dataset, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import Artifact, Status
from portal.runs.models import Run
from tests.cli.conftest import make_images
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two_runs(signed_in, team, alice):
    seeder = Seeder(team, alice)
    version = seeder.version("Pets")
    runs = [seeder.run(version, name=name) for name in ("First", "Second")]
    for run in runs:
        seeder.train(run)
    return runs


def test_the_history_is_searched_and_narrowed(two_runs, slipway):
    assert "run\tFirst\t" in slipway("history").out
    rows = slipway("history", "Second", "--kind", "run", "--json").json
    assert [row["name"] for row in rows] == ["Second"]
    assert slipway("history", "--status", "none").code == 6


def test_runs_are_compared(two_runs, slipway):
    answer = slipway("compare", two_runs[0].pk, f"run/{two_runs[1].pk}", "--all")
    assert answer.code == 0, answer.err
    assert f"Parameters\trun/{two_runs[0].pk}\trun/{two_runs[1].pk}" in answer.out
    assert slipway("compare", two_runs[0].pk).code == 6


def test_a_file_finds_its_run(two_runs, slipway, tmp_path):
    (tmp_path / "model.rknn").write_bytes(b"a model")
    sha256 = hashlib.sha256(b"a model").hexdigest()
    job = two_runs[0].steps.get(kind="train").job
    Artifact.objects.create(job=job, name="model.rknn", size=7, sha256=sha256, file="x")
    for what in (sha256, sha256[:8], tmp_path / "model.rknn"):
        assert f"model.rknn\trun/{two_runs[0].pk}\t" in slipway("provenance", what).out
    assert slipway("provenance", "0" * 64).code == 4
    assert slipway("provenance", "missing.rknn").code == 2


def test_the_queue_shows_what_runs_and_what_waits(signed_in, slipway, team, alice, charlie):
    seeder = Seeder(team, alice)
    mine = seeder.job("train", "train", Status.QUEUED)
    theirs = Seeder(charlie.memberships.get().team, charlie).job("train", "train", Status.QUEUED)
    out = slipway("queue").out
    assert f"train\tjob/{mine.pk}\ttrain\talice\tplace " in out
    assert "train\tanother team's\t" in out and f"job/{theirs.pk}\t" not in out


def test_a_run_is_cloned_with_changes(two_runs, slipway):
    answer = slipway(
        "clone", two_runs[0].pk, "--set", "epochs=40", "--chip", "rv1106", "--name", "Longer", "--json"
    )
    assert answer.code == 0, answer.err
    run = Run.objects.get(pk=answer.json["id"])
    assert (run.name, run.params["epochs"], run.cloned_from) == ("Longer", 40, two_runs[0])


def test_datasets_are_renamed_deleted_and_restored(two_runs, slipway):
    assert slipway("dataset", "rename", "Pets", "Animals").out == "Pets is now called Animals.\n"
    assert slipway("dataset", "delete", "Animals@v1").code == 0
    assert slipway("dataset", "show", "Animals@v1").code == 4
    assert slipway("dataset", "restore", "Animals@v1").out == "Animals v1 is there again.\n"
    assert slipway("dataset", "delete", "Animals").code == 0
    assert slipway("dataset", "list", "--json").json == []
    assert "Animals" in slipway("dataset", "list", "--deleted").out
    assert slipway("dataset", "restore", "Animals").code == 0
    assert Dataset.objects.get().deleted_at is None


def test_two_versions_are_compared(portal, slipway, pets):
    assert slipway("dataset", "push", pets, "--name", "Pets").code == 0
    make_images(pets / ".." / "more", classes=("cat", "dog"), images=7)
    assert slipway("dataset", "push", pets.parent / "more", "--name", "Pets").code == 0
    assert DatasetVersion.objects.count() == 2
    answer = slipway("dataset", "diff", "Pets@v2", "--against", "Pets@v1", "--limit", 2)
    assert answer.code == 0, answer.err
    assert "4 added, 0 removed" in answer.out
    assert "There are more than these 2" in answer.err
    rows = slipway("dataset", "diff", "Pets@v2", "--against", "Pets@v1", "--kind", "added", "--json").json
    assert [row["kind"] for row in rows["changes"]] == ["added"] * 4
    assert slipway("dataset", "diff", "Pets@v1").code == 6


def test_devices_are_shown_changed_and_removed(portal, slipway, monkeypatch):
    monkeypatch.setenv("SLIPWAY_DEVICE_PASSWORD", "secret")
    add = ("device", "add", "Bench", "--profile", "virtual", "--host", "127.0.0.1")
    assert slipway(*add).code == 0
    assert "  os: Fake OS 1.0" in slipway("device", "show", "Bench").out
    monkeypatch.delenv("SLIPWAY_DEVICE_PASSWORD")
    assert slipway("device", "edit", "Bench", "--rename", "Shelf", "--json").json["name"] == "Shelf"
    assert slipway("device", "edit", "Shelf").code == 2
    assert slipway("device", "edit", "Shelf", "--host", "127.0.0.2").code == 6
    assert slipway("device", "remove", "Shelf").code == 2
    assert slipway("device", "remove", "Shelf", "--yes").code == 0
    assert not Device.objects.exists()


def test_runs_are_deleted_and_restored(two_runs, slipway):
    run = two_runs[0]
    assert slipway("delete", run.pk).out.startswith(f"Run {run.pk} is deleted.")
    assert [row["name"] for row in slipway("runs", "--json").json] == ["Second"]
    assert [row["name"] for row in slipway("runs", "--deleted", "--json").json] == ["First"]
    assert slipway("restore", f"run/{run.pk}").code == 0
    assert slipway("delete", 999999).code == 4


def test_a_device_at_a_site_is_edited_found_and_said_to_be_out_of_reach(signed_in, slipway, team, alice):
    device = Seeder(team, alice).device("Crane", probe_job=None)
    edited = slipway("device", "edit", "Crane", "--site", "harbour")
    assert edited.code == 0, edited.err
    assert "site: harbour" in edited.out and "No worker serves the site harbour" in edited.out
    assert "Crane" in slipway("device", "list", "--site", "harbour").out
    assert "Crane" not in slipway("device", "list", "--site", "depot").out
    assert "No worker serves the site harbour" in slipway("queue").err
    assert slipway("device", "edit", "Crane", "--site", "").code == 0
    assert Device.objects.get(pk=device.pk).site == ""
