"""The whole job from the command line: a folder in, a model and a board's answers out."""

import hashlib
import io
import json
import re
from types import SimpleNamespace

import pytest
from rich.console import Console
from slipway import Client, files

from portal.datasets.models import DatasetVersion
from portal.ops import demo
from portal.runs.models import Run
from tests.cli.conftest import make_images
from tests.factories import class_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pushed(portal, slipway, pets):
    answer = slipway("dataset", "push", pets, "--name", "Pets", "--json")
    assert answer.code == 0, answer.err
    return answer.json


def started(slipway, *words):
    return slipway("run", "--dataset", "Pets", "--preset", "fast", "--chip", "rv1106", *words)


def test_a_folder_becomes_a_version_with_its_findings(pushed):
    assert (pushed["state"], pushed["images"]) == ("ready", 10)
    assert pushed["class_names"] == ["cat", "dog"]
    assert pushed["upload_name"] == "pets.tar"


def test_one_command_trains_converts_and_tells_how_good_it_is(pushed, slipway):
    answer = started(slipway, "--name", "First", "--set", "epochs=3", "--watch")
    assert answer.code == 0, answer.err
    assert "int8 rv1106\t95.00 %" in answer.out
    assert re.search(r"Train: \w+ epoch \d/3", answer.err)
    run = Run.objects.get()
    assert (run.name, run.params["epochs"]) == ("First", 3)


def test_a_device_is_registered_probed_deployed_to_and_asked(pushed, slipway, pets, monkeypatch):
    monkeypatch.setenv("SLIPWAY_DEVICE_PASSWORD", "secret")
    added = slipway("device", "add", "Bench", "--profile", "virtual", "--host", "127.0.0.1", "--json")
    assert added.code == 0, added.err
    assert added.json["probe"]["os"] == "Fake OS 1.0"
    ran = slipway("run", "--dataset", "Pets@v1", "--device", "Bench", "--watch", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["report"]["boards"][0]["board_top1"] == 0.95
    again = slipway("deploy", ran.json["id"], "--device", "Bench")
    assert again.code == 0, again.err
    assert "is current on Bench: 95.00 %" in again.out
    assert "Fake OS 1.0" in slipway("device", "probe", "Bench").out
    asked = slipway("device", "infer", "Bench", pets / "dog" / "0.png", pets / "cat" / "1.png")
    assert asked.code == 0, asked.err
    assert "0.png\tdog\t98.00 %\t4.2" in asked.out
    assert "Bench\tvirtual\t127.0.0.1:22" in slipway("device", "list").out


def test_what_is_said_about_a_version_reaches_its_check(portal, slipway, pets, tmp_path):
    (tmp_path / "names.txt").write_text("Katze\nHund\n", encoding="utf-8")
    said = ("--class-names", tmp_path / "names.txt", "--val-fraction", 0.4, "--seed", 3, "--class-count", 2)
    answer = slipway("dataset", "push", pets, *said, "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["class_names"], answer.json["val_images"]) == (["Katze", "Hund"], 4)
    assert slipway("dataset", "push", pets, "--class-count", 3).code == 6
    assert slipway("dataset", "push", pets, "--split", "group").code == 6


def test_a_failed_run_ends_with_1_and_its_sentence_and_its_document(portal, slipway, tmp_path):
    folder = make_images(tmp_path / "bad", classes=("cat", "fake: fail"))
    assert slipway("dataset", "push", folder, "--name", "Pets").code == 0
    answer = started(slipway, "--watch", "--json")
    assert answer.code == 1
    assert answer.json["status"] == "failed"
    assert "the loss became NaN" in answer.err
    failed = slipway("jobs", "--kind", "train", "--json").json[0]
    again = slipway("retry", f"job/{failed['id']}", "--watch")
    assert again.code == 1
    assert slipway("log", "-f", failed["id"]).code == 1


def test_a_dataset_that_the_check_refuses_ends_with_6(portal, slipway, tmp_path):
    archive = tmp_path / "pets.zip"
    archive.write_bytes(b"this is no archive")
    answer = slipway("dataset", "push", archive)
    assert answer.code == 6
    assert "not a zip or a tar" in answer.err


def test_versions_are_named_by_number_and_by_hash(pushed, slipway):
    for name in ("Pets", "Pets@v1", f"Pets@{pushed['content_hash'][:8]}"):
        assert slipway("dataset", "show", name, "--json").json["id"] == pushed["id"], name
    for name in ("Pets@v2", "Pets@0123456789", "Cats"):
        assert slipway("dataset", "show", name).code == 4, name
    assert "cat\t4\t1\t0\t5" in slipway("dataset", "show", "Pets").out
    assert "Pets" in slipway("dataset", "list").out


def test_a_version_is_exported(pushed, slipway, tmp_path):
    target = tmp_path / "out.zip"
    answer = slipway("dataset", "export", "Pets", "--format", "folders", "-o", target)
    assert answer.code == 0, answer.err
    assert target.read_bytes()[:2] == b"PK"
    assert slipway("dataset", "export", "Pets", "--format", "floppy").code == 6


def test_files_are_downloaded_checked_and_gone_on_with(pushed, slipway, tmp_path):
    assert started(slipway, "--watch").code == 0
    run = Run.objects.get()
    answer = slipway("download", f"run/{run.pk}", "*.rknn", "labels.txt", "-o", tmp_path, "--json")
    assert answer.code == 0, answer.err
    names = [row["name"] for row in answer.json]
    assert "rv1106/model.rknn" in names and "train/labels.txt" in names and "train/model.onnx" not in names
    for row in answer.json:
        content = (tmp_path / row["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
    assert slipway("download", run.pk, "*.exe").code == 4


def test_a_log_is_printed_and_a_finished_job_cannot_be_retried(pushed, slipway):
    assert "\t" not in slipway("log", pushed["job"]["id"]).err
    document = slipway("log", pushed["job"]["id"], "--json").json
    assert document["job"]["status"] == "succeeded"
    answer = slipway("retry", f"job/{pushed['job']['id']}")
    assert answer.code == 6
    assert "only a failed or cancelled job" in answer.err


def test_a_run_is_cancelled_and_listed(portal, slipway, tmp_path):
    folder = make_images(tmp_path / "slow", classes=("cat", "fake: hang"))
    assert slipway("dataset", "push", folder, "--name", "Pets").code == 0
    run = json.loads(started(slipway, "--json").out)
    assert slipway("cancel", f"run/{run['id']}").code == 0
    assert slipway("watch", run["id"]).code == 1
    listed = slipway("runs", "--status", "cancelled", "--json").json
    assert [row["id"] for row in listed] == [run["id"]]
    assert slipway("runs", "--status", "failed", "--json").json == []
    assert f"run/{run['id']}\t" in slipway("runs").out


def test_the_same_files_pushed_again_make_no_version_and_it_says_so(pushed, slipway, pets, tmp_path):
    again = slipway("dataset", "push", pets, "--name", "Pets", "--json")
    assert again.json["id"] == pushed["id"]
    assert "Nothing new: Pets v1 has this content." in again.err
    assert [row.number for row in DatasetVersion.objects.all()] == [1]
    other = make_images(tmp_path / "other", images=6)
    assert slipway("dataset", "push", other, "--name", "Pets", "--json").json["number"] == 2
    assert slipway("dataset", "push", pets, "--name", "Pets", "--json").json["number"] == 3


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "", "a/../../b"])
def test_a_file_name_never_leads_out_of_the_folder(name, tmp_path):
    with pytest.raises(files.Refused):
        files.safe_path(tmp_path, name)


def test_what_lies_on_the_server_is_imported(portal, slipway, pets, settings):
    settings.IMPORT_DIRS = {"photos": pets.parent}
    assert slipway("dataset", "import", "--list").out == "Place\tKind\nphotos\tfolder\n"
    answer = slipway("dataset", "import", "photos/pets", "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["dataset_name"], answer.json["images"]) == ("pets", 10)
    more = make_images(pets.parent / "more", classes=("cat", "dog", "fox"), images=6)
    added = slipway("dataset", "import", "photos/more", "--name", "pets", "--add", "--json")
    assert (added.code, added.json["class_names"]) == (0, ["cat", "dog", "fox"]), added.err
    assert slipway("dataset", "push", more, "--name", "new", "--add").code == 6
    assert slipway("dataset", "import", "photos/nothing").code == 6
    assert slipway("dataset", "import", "elsewhere/pets").code == 6


def test_the_demo_does_the_main_job_with_the_same_client(portal, tmp_path, live_server, token_of, alice):
    pets = SimpleNamespace(
        name="Pets", file_name="pets.zip", preset="fast", write=lambda file: file.write(class_zip().read())
    )
    client = Client(live_server.url, token_of(alice))
    board = {"host": "127.0.0.1", "port": 22, "username": "root", "password": "secret"}
    console = Console(file=io.StringIO(), width=120)
    report = demo.run_demo(client, pets, board, tmp_path / "demo", console)
    assert (report["int8_top1"], report["board_top1"]) == (0.95, 0.95)
    assert json.loads((tmp_path / "demo" / "report.json").read_text())["page"] == report["page"]
    rknn = (tmp_path / "demo" / "model.rknn").read_bytes()
    assert hashlib.sha256(rknn).hexdigest() == report["run"]["models"][0]["rknn_sha256"]
    demo.print_table(report, console)
    assert "95.00 %" in console.file.getvalue()
