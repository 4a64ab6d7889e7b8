"""From the file on the board back to the upload: Alice's and Bob's; Charlie must not see it."""

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from portal.jobs.models import Artifact
from portal.runs.models import Run
from tests.graphs import deployments_of, model_of
from tests.seed import Seeder, everything


@pytest.fixture
def rows(team, alice):
    found = everything(team, alice)
    deployment = deployments_of(found["done"]).get()
    rknn = Artifact.objects.get(job=found["model"].job, name="model.rknn")
    deployment.placed = {
        "path": f"slipway/releases/{deployment.release}",
        "model_sha256": rknn.sha256,
        "manifest_sha256": "ab" * 32,
    }
    deployment.save()
    return found | {"deployment": deployment, "rknn": rknn}


def api(user, address, **query):
    client = APIClient()
    client.force_authenticate(user)
    return client.get(f"/api/v1/{address}", query)


def improve(user, run, **body):
    client = APIClient()
    client.force_authenticate(user)
    return client.post(f"/api/v1/runs/{run.pk}/improve/", body, format="json")


def test_the_report_leads_from_the_board_to_the_upload(rows, bob):
    chain = api(bob, f"runs/{rows['done'].pk}/report/").json()["provenance"]
    board = chain["boards"][0]
    assert board["release"] == rows["deployment"].release
    assert board["path"] == f"slipway/releases/{board['release']}"
    assert board["recorded"] and board["manifest_sha256"] == "ab" * 32
    compiled = chain["models"][0]
    assert (compiled["chip"], compiled["tools"]["rknn-toolkit2"]) == ("rv1106", "2.3.2")
    by_name = {file["name"]: file["sha256"] for file in compiled["files"]}
    assert by_name["model.rknn"] == board["sha256"] and set(by_name) == {
        "model.rknn", "build.onnx", "calibration.zip",
    }  # fmt: skip
    assert {file["name"] for file in chain["onnx"]["files"]} == {"model.onnx", "model.slim.onnx"}
    assert set(chain["onnx"]["tools"]) == {"paddle2onnx", "onnxslim"}
    assert chain["paddle"]["batch_norm"] == {"images": 256}
    assert chain["paddle"]["tools"] == {"paddlex": "3.3.5"} and chain["paddle"]["params"]["seed"] == 0
    assert chain["dataset"]["sha256"] == rows["version"].content_hash
    assert chain["dataset"]["upload"] == "parts of the left line 2026-11.zip"


def test_the_page_shows_each_link_with_its_hash(bobs, rows):
    page = bobs.get(reverse("run-detail", args=[rows["done"].pk])).content.decode()
    chain = page[page.index('class="chain"') :]
    hashes = list(
        Artifact.objects.filter(job=rows["job"], name="model.onnx").values_list("sha256", flat=True)
    )
    for value in (rows["rknn"].sha256, rows["version"].content_hash, "ab" * 32, *hashes):
        assert f'<code class="hash">{value}</code>' in chain
    order = [
        chain.index(words)
        for words in ("On the board", "Compiled model", ">ONNX<", "Paddle model", ">Dataset<")
    ]
    assert order == sorted(order)


def test_an_older_release_shows_the_stored_files_hash_and_says_so(bobs, rows):
    rows["deployment"].placed = {}
    rows["deployment"].save()
    page = bobs.get(reverse("run-detail", args=[rows["done"].pk])).content.decode()
    assert "this release is older than the record" in page


def test_a_run_at_work_has_what_is_there_so_far(bobs, rows, bob):
    chain = api(bob, f"runs/{rows['running'].pk}/report/").json()["provenance"]
    assert chain["models"][0]["files"] == [] and chain["onnx"]["files"] == []
    page = bobs.get(reverse("run-detail", args=[rows["running"].pk])).content.decode()
    assert "not available yet" in page


def test_what_is_this_file_on_my_board(bobs, rows, bob):
    wanted = rows["rknn"].sha256
    found = api(bob, "provenance/", sha256=wanted.upper()).json()["matches"]
    assert [(one["name"], one["run"]) for one in found] == [("model.rknn", rows["done"].pk)]
    assert found[0]["devices"] == [], "another model was deployed there since"
    page = bobs.get(reverse("history"), {"q": wanted[:20]}).content.decode()
    assert "Files with this hash" in page and f"/runs/{rows['done'].pk}/#provenance" in page


def test_a_file_is_on_the_devices_that_run_it_now(bobs, rows, bob):
    device, release = rows["virtual"], rows["deployment"].release
    device.reported_release, device.reported_at = release, timezone.now()
    device.save()
    found = api(bob, "provenance/", sha256=rows["rknn"].sha256).json()["matches"]
    assert found[0]["devices"] == [{"device": device.name, "device_id": device.pk, "release": release}]
    assert release in bobs.get(reverse("history"), {"q": rows["rknn"].sha256}).content.decode()


def test_a_datasets_content_is_found_by_its_hash(rows, bob):
    found = api(bob, "provenance/", sha256=rows["version"].content_hash[:16]).json()["matches"]
    assert [one["dataset_version"] for one in found] == [rows["version"].pk]


def test_an_unknown_hash_is_told(bobs, rows, bob):
    assert api(bob, "provenance/", sha256="0" * 64).json() == {"matches": []}
    page = bobs.get(reverse("history"), {"q": "0" * 64}).content.decode()
    assert "No file and no dataset of your team has this SHA-256" in page


@pytest.mark.parametrize("text", ["", "abc", "x" * 64, "a" * 65])
def test_what_is_no_hash_is_refused(rows, bob, text):
    answer = api(bob, "provenance/", sha256=text)
    assert answer.status_code == 400 and "64 hexadecimal digits" in answer.json()["errors"]["sha256"][0]


def test_another_teams_files_are_not_found(rows, charlie, client):
    assert api(charlie, "provenance/", sha256=rows["rknn"].sha256).json() == {"matches": []}
    client.force_login(charlie)
    page = client.get(reverse("history"), {"q": rows["rknn"].sha256}).content.decode()
    assert "model.rknn" not in page


def test_the_page_and_the_report_lead_to_the_models_that_a_model_was_made_from(bobs, bob, rows, alice):
    done = rows["done"]
    new = Run.objects.get(pk=improve(alice, done, method="prune", share=0.8, name="Smaller").json()["id"])
    old, made = model_of(done), model_of(new)
    found = api(bob, f"runs/{new.pk}/report/").json()["provenance"]["lineage"]
    assert (found["origin"], found["share"], found["unit"], found["importance"]) == (
        "pruned", 0.8, "cycles", "taylor",
    )  # fmt: skip
    assert [(one["model"], one["run"], one["origin"]) for one in found["parents"]] == [
        (old.pk, done.pk, "trained")
    ]
    assert found["parents"][0]["value"] == pytest.approx(0.9903, abs=1e-4) and found["children"] == []
    page = bobs.get(reverse("run-detail", args=[new.pk])).content.decode()
    assert "Weights of" in page and "80 % remain, in NPU cycles" in page and "Top-1 99.03 %" in page
    found = api(bob, f"runs/{done.pk}/report/").json()["provenance"]["lineage"]
    assert [one["model"] for one in found["children"]] == [made.pk] and found["parents"] == []
    page = bobs.get(reverse("run-detail", args=[done.pk])).content.decode()
    assert "Models made from this one" in page and "Made from" not in page[page.index('class="chain"') :]


def test_the_lineage_names_the_teacher_and_the_images_without_labels(bobs, bob, rows, team, alice):
    teacher = model_of(rows["failed"])
    further = Seeder(team, alice).version("Further")
    given = {"method": "distill", "teacher": teacher.pk, "unlabelled": further.pk}
    new = improve(alice, rows["done"], **given).json()["id"]
    found = api(bob, f"runs/{new}/report/").json()["provenance"]["lineage"]
    assert (found["teacher"]["model"], found["parents"]) == (teacher.pk, [])
    assert found["unlabelled"] == {
        "version_id": further.pk, "name": str(further), "sha256": further.content_hash,
    }  # fmt: skip
    page = bobs.get(reverse("run-detail", args=[new])).content.decode()
    assert str(further) in page[page.index("Made from") :]
