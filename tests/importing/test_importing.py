"""A model from elsewhere, from its upload to a compiled model with figures."""

import base64
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portal.core.messages import shown
from portal.datasets import upload_limits
from portal.datasets.models import Upload
from portal.datasets.services import create_version
from portal.devices.models import Device
from portal.importing import services
from portal.jobs.models import IllegalTransition, Job, Status
from portal.models.model_files import ModelFile
from portal.models.models import Model, Origin, class_map
from portal.runs import importing
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.plan import PlanError
from portal.runs.services import create_run
from portal.runs.verdict import AS_TRAINED, verdict
from portal.tasks import Stage
from tests.factories import class_zip


@pytest.fixture
def pets(run_jobs, team, alice):
    version = create_version(team, alice, "Pets", class_zip(("cat", "dog"), 20))
    run_jobs()
    version.refresh_from_db()
    return version


@pytest.fixture
def imported(upload_model, pets, team, alice, run_jobs):
    """Return a function that compiles a file for the rv1106."""

    def make(file=None, version=pets, **choices) -> Run:
        file = file or upload_model(classes=2)
        plan = importing.make_plan(file, version, **{"chips": ["rv1106"], **choices})
        run = create_run(plan, team, alice)
        run_jobs()
        run.refresh_from_db()
        return run

    return make


def test_an_upload_is_inspected_and_then_no_longer_kept_twice(upload_model):
    file = upload_model()
    assert file.is_usable and file.facts["classes"] == 3
    assert {one["chip"] for one in file.facts["chips"]} >= {"rv1106", "rk3588"}
    assert file.upload is None and not Upload.objects.exists()
    assert list(file.job.artifacts.values_list("name", flat=True)) == ["source.onnx"]


def test_a_damaged_file_says_so_and_can_be_deleted(run_jobs, team, alice):
    upload = services.receive(team, alice, SimpleUploadedFile("bad.onnx", b"\x08\x07 not a model"))
    file = services.create(team, alice, upload)
    run_jobs()
    file.refresh_from_db()
    assert file.job.status == Status.FAILED and "damaged" in shown(file.job.message)
    assert file.upload is not None  # for a retry
    services.delete(file, alice)
    assert not ModelFile.objects.exists() and not Upload.objects.exists() and not Job.objects.exists()


def test_a_run_imports_compiles_and_measures(imported, upload_model, pets):
    run = imported(labels=["dog", "cat"], mean=[0.5] * 3, std=[0.5] * 3, model_order="bgr")
    assert run.status == Status.SUCCEEDED, run.message
    graph = Graph(run)
    assert graph.is_imported and graph.model.origin == Origin.IMPORTED
    assert graph.class_names == ["dog", "cat"] and graph.model.class_map == [1, 0]
    assert graph.model.facts["file"]["name"] == "own.onnx"
    assert [row.stage for row in graph.evaluated.rows] == [Stage.ONNX, Stage.SIMULATOR]
    assert graph.evaluated.uncompiled.stage == Stage.ONNX
    assert verdict(graph) is not None
    assert Run.objects.for_lists().get(pk=run.pk).value == graph.evaluated.uncompiled.value


def test_accuracy_is_unknown_if_the_dataset_has_none_of_the_classes(imported, alices):
    run = imported(labels=["sloop", "ketch"])
    assert run.status == Status.SUCCEEDED, run.message
    graph = Graph(run)
    measured = graph.evaluated.find(Stage.SIMULATOR)
    assert measured.value is None and measured.drop is None and measured.agreement == 1
    page = alices.get(run.get_absolute_url()).content.decode()
    assert "its accuracy is not known" in page and "sloop" in page
    for name in ("run-parity", "run-mistakes", "run-report"):
        assert alices.get(reverse(name, args=[run.pk])).status_code == 200
    assert alices.get(reverse("model-list")).status_code == 200
    assert alices.get(reverse("model-compiled", args=[graph.compiled[0].pk])).status_code == 200
    assert alices.get(f"/api/v1/runs/{run.pk}/").json()["verdict"]["grade"] == "doubtful"


def test_advice_on_an_imported_model_is_about_its_labels_and_pixels(imported):
    graph = Graph(imported())
    for row in graph.evaluated.rows:
        row.metrics |= {"top1": 0.2, "images": 1000}
        row.value = 0.2
    told = verdict(graph)
    assert told.grade != "good" and told.advice == AS_TRAINED and told.note == ""


def test_labels_default_to_the_classes_of_the_dataset(imported):
    assert Graph(imported()).class_names == ["cat", "dog"]


def test_classes_are_matched_by_their_names():
    assert class_map(["Dog", "cat", "bird"], ["cat", "dog", "cow"]) == [1, 0, None]


def test_another_output_can_be_chosen(imported, upload_model, pets, alices, tmp_path):
    choices = [{"output": "age", "classes": 3}, {"output": "sort", "classes": 2}]
    file = upload_model(classes=3, choices=choices)
    page = alices.get(reverse("run-import", args=[file.pk])).content.decode()
    assert "age: 3 classes" in page and "sort: 2 classes" in page
    with pytest.raises(PlanError, match="choose from age, sort"):
        importing.make_plan(file, pets, chips=["rv1106"], output="sex")
    with pytest.raises(PlanError, match="leave the output out"):
        importing.make_plan(upload_model(), pets, chips=["rv1106"], output="age")
    form = {
        "dataset_version": pets.pk,
        "scale": "unit",
        "model_order": "rgb",
        "output": "sort",
        "chips": ["rv1106"],
    }
    answer = alices.post(reverse("run-import", args=[file.pk]), form)
    run = Run.objects.get()
    assert answer.url == run.get_absolute_url() and run.params["output"] == "sort"
    assert "Output with the scores" in alices.get(answer.url).content.decode()
    assert Graph(imported(file, labels=["a", "b", "c"])).model.params["output"] == "age"
    asked = services.prepare_import(Model.objects.latest("pk").job, tmp_path)
    assert asked.params["output"] == "age"


WRONG = [
    ({"labels": ["cat", "dog", "cow"]}, "labels", "2 classes and 3 labels"),
    ({"labels": ["cat", " CAT"]}, "labels", "there twice"),
    ({"labels": ["cat", "a" * 121]}, "labels", "1 to 120"),
    ({"input_size": [64, 64]}, "input_size", "32×32 pixels only"),
    ({"mean": [0.5, 0.5]}, "mean", "three numbers"),
    ({"std": [0.5, 0, 0.5]}, "std", "three numbers above 0"),
    ({"mean": [float("nan")] * 3}, "mean", "three numbers"),
    ({"chips": ["z80"]}, "chips", "There is no chip"),
    ({"chips": []}, "chips", "at least one chip or device"),
    ({"params": {"epochs": 5}}, "epochs", "There is no parameter"),
    ({"params": {"calibration_images": 0}}, "calibration_images", "between 1 and 1000"),
    ({"model_order": "yuv"}, "model_order", "rgb or bgr"),
    ({"labels": ["cat"] * 5001}, "labels", "At most 5000"),
]


def test_a_wrong_choice_has_its_sentence(upload_model, pets):
    file = upload_model(classes=2)
    for choices, field, words in WRONG:
        with pytest.raises(PlanError) as refused:
            importing.make_plan(file, pets, **{"chips": ["rv1106"], **choices})
        assert words in shown(refused.value.fields[field])


def test_a_network_that_cannot_be_used_starts_nothing(upload_model, pets, alices):
    file = upload_model(refusal="Its outputs are of a YOLO.")
    assert not file.is_usable
    with pytest.raises(PlanError, match="YOLO"):
        importing.make_plan(file, pets, chips=["rv1106"])
    page = alices.get(file.get_absolute_url()).content.decode()
    assert "Its outputs are of a YOLO." in page and reverse("run-import", args=[file.pk]) not in page
    assert alices.get(reverse("run-import", args=[file.pk])).status_code == 302


def test_a_detector_needs_a_dataset_for_detection(upload_model, pets):
    with pytest.raises(PlanError, match="dataset for detection"):
        importing.make_plan(upload_model(task="detection", classes=2), pets, chips=["rv1106"])


def test_a_detector_that_the_vendors_library_does_not_decode_is_only_compiled(
    upload_model, pets, team, alice, monkeypatch, alices
):
    board = Device.objects.create(team=team, created_by=alice, name="Bench", profile="virtual")
    scalar = {"name": "x", "type": "float", "shape": []}
    file = upload_model(
        task="detection", classes=2, detector="yolox", macs=519_204_332,
        inputs=[scalar, {**scalar, "shape": ["N", 3, None, 32]}],
    )  # fmt: skip
    monkeypatch.setattr(importing, "_refused_version", lambda *_: None)
    with pytest.raises(PlanError) as refused:
        importing.make_plan(file, pets, devices=[board])
    assert "decodes PicoDet only, and this is a YOLOX" in shown(refused.value.fields["devices"])
    assert importing.make_plan(file, pets, chips=["rv1106"]).chips == [("rv1106", "bgr")]
    told = alices.get(f"/api/v1/model-files/{file.pk}/").json()["inspection"]
    assert told["not_deployable_to"] == ["lockzhiner-vision-module", "virtual"]
    page = alices.get(file.get_absolute_url()).content.decode()
    assert "YOLOX" in page and "rknn-toolkit-lite2" in page
    assert "519 million" in page and ">N×3×?×32<" in page and ">–<" in page
    own = upload_model(task="detection", classes=2, detector="picodet")
    assert importing.make_plan(own, pets, devices=[board]).devices == [board]


def test_a_model_larger_than_any_chip_is_refused_before_it_is_read(alices, monkeypatch):
    monkeypatch.setattr(upload_limits, "MOST_MODEL_BYTES", 10)
    answer = alices.post(
        reverse("model-file-new"), {"file": SimpleUploadedFile("big.onnx", b"0" * 11)}, follow=True
    )
    assert answer.status_code == 422 and "no supported chip runs a larger one" in answer.content.decode()
    assert not Upload.objects.exists()


def test_its_upload_is_refused_when_it_is_announced(alices):
    about = {"Tus-Resumable": "1.0.0", "Upload-Length": str(upload_limits.MOST_MODEL_BYTES + 1)}
    model, archive = (f"filename {base64.b64encode(name).decode()}" for name in (b"Big.ONNX", b"parts.zip"))
    answer = alices.post("/api/v1/uploads/", headers=about | {"Upload-Metadata": model})
    assert answer.status_code == 413 and "upload a smaller model" in answer.json()["detail"]
    assert alices.post("/api/v1/uploads/", headers=about | {"Upload-Metadata": archive}).status_code == 201
    assert Upload.objects.get().filename == "parts.zip"


def test_the_pages_lead_from_the_upload_to_the_run(alices, run_jobs, pets):
    facts = json.dumps({"classes": 2, "is_free": True}).encode()
    sent = {"file": SimpleUploadedFile("own.onnx", facts), "name": "Cats & dogs"}
    answer = alices.post(reverse("model-file-new"), sent)
    file = ModelFile.objects.get()
    assert answer.url == file.get_absolute_url()
    assert "Cats &amp; dogs" in alices.get(answer.url).content.decode()
    run_jobs()
    page = alices.get(answer.url).content.decode()
    assert "rv1106".upper() in page.upper() and reverse("run-import", args=[file.pk]) in page
    assert "Cats &amp; dogs" in alices.get(reverse("model-file-list")).content.decode()
    form = {
        "dataset_version": pets.pk, "labels": "cat\ndog", "scale": "own", "mean": "0.1 0.2 0.3",
        "std": "1,1,1", "model_order": "rgb", "width": 48, "height": 32, "chips": ["rv1106"], "name": "",
    }  # fmt: skip
    bad = alices.post(reverse("run-import", args=[file.pk]), form | {"height": ""})
    assert bad.status_code == 422 and "both width and height" in bad.content.decode()
    bad = alices.post(reverse("run-import", args=[file.pk]), form | {"labels": "cat"})
    assert bad.status_code == 422 and "1 label was given" in bad.content.decode()
    answer = alices.post(reverse("run-import", args=[file.pk]), form)
    run_jobs()
    run = Run.objects.get()
    assert answer.url == run.get_absolute_url() and run.status == Status.SUCCEEDED
    assert run.params["input_size"] == [48, 32] and run.params["mean"] == [0.1, 0.2, 0.3]
    page = alices.get(answer.url).content.decode()
    assert "Import" in page and "own.onnx" in page and "5" * 64 in page
    assert "The imported model on" in page and "Compile again with other settings" in page
    assert "first steps of the training" not in page and "best epoch" not in page
    for name in ("run-parity", "run-mistakes", "run-edit", "run-delete"):
        assert alices.get(reverse(name, args=[run.pk])).status_code == 200
    again = alices.get(reverse("run-clone", args=[run.pk]), follow=True)
    assert 'value="48"' in again.content.decode()
    assert alices.get(reverse("run-improve", args=[run.pk])).status_code == 302
    assert alices.get(reverse("run-report", args=[run.pk])).json()["status"] == "succeeded"


def test_a_deleted_file_leaves_the_run_its_network(imported, alices, upload_model, alice):
    file = upload_model(classes=2)
    run = imported(file)
    answer = alices.post(reverse("model-file-delete", args=[file.pk]), follow=True)
    assert "is deleted" in answer.content.decode()
    model = Model.objects.get()
    assert model.file is None and model.job.artifacts.filter(name="model.slim.onnx").exists()
    assert "own.onnx" in alices.get(run.get_absolute_url()).content.decode()
    answer = alices.get(reverse("run-clone", args=[run.pk]), follow=True)
    assert "from the page of its model file" in answer.content.decode()


def test_a_file_is_not_deleted_while_it_is_read(team, alice):
    file = services.create(team, alice, services.receive(team, alice, SimpleUploadedFile("a.onnx", b"{}")))
    with pytest.raises(IllegalTransition, match="being read"):
        services.delete(file, alice)


def test_the_api_uploads_inspects_and_compiles(alices, run_jobs, pets):
    tus = {"HTTP_TUS_RESUMABLE": "1.0.0"}
    body = json.dumps({"classes": 2}).encode()
    pair = "filename " + base64.b64encode(b"own.onnx").decode()
    made = alices.post(
        "/api/v1/uploads/", HTTP_UPLOAD_LENGTH=str(len(body)), HTTP_UPLOAD_METADATA=pair, **tus
    )
    number = made["Location"].rstrip("/").rpartition("/")[2]
    early = alices.post("/api/v1/model-files/", {"upload": number}, content_type="application/json")
    assert early.status_code == 409 and "send the rest first" in early.content.decode()
    alices.patch(made["Location"], body, content_type="application/offset+octet-stream",
                 HTTP_UPLOAD_OFFSET="0", **tus)  # fmt: skip
    made = alices.post("/api/v1/model-files/", {"upload": number}, content_type="application/json")
    assert made.status_code == 202, made.content
    address = f"/api/v1/model-files/{made.json()['id']}/"
    assert made.json()["inspection"] is None
    run_jobs()
    found = alices.get(address).json()["inspection"]
    assert found["task"] == "classification" and found["fixes"][0].startswith(
        "The end of the network (Softmax)"
    )
    assert "inspection" not in alices.get("/api/v1/model-files/").json()["results"][0]
    wanted = {"dataset_version": pets.pk, "chips": ["rv1106"], "labels": ["dog", "cat"]}
    bad = alices.post(f"{address}compile/", {**wanted, "labels": ["dog"]}, content_type="application/json")
    assert bad.status_code == 400 and "1 label was given" in bad.json()["detail"]
    run = alices.post(f"{address}compile/", wanted, content_type="application/json")
    assert run.status_code == 201 and [step["kind"] for step in run.json()["steps"]] == ["import", "convert"]
    run_jobs()
    clone = alices.post(f"/api/v1/runs/{run.json()['id']}/clone/", {}, content_type="application/json")
    assert clone.status_code == 400
    assert alices.delete(address).status_code == 204


def test_only_the_team_sees_a_file_and_only_members_change_it(upload_model, client, bobs, charlie, pets):
    file = upload_model()
    assert bobs.get(file.get_absolute_url()).status_code == 200
    assert bobs.get(reverse("model-file-new")).status_code == 403
    assert bobs.post(reverse("model-file-delete", args=[file.pk])).status_code == 403
    assert bobs.get(reverse("run-import", args=[file.pk])).status_code == 403
    client.force_login(charlie)
    assert client.get(file.get_absolute_url()).status_code == 404
    assert client.get(f"/api/v1/model-files/{file.pk}/").status_code == 404
    assert client.get(reverse("model-file-delete", args=[file.pk])).status_code in (403, 404)
