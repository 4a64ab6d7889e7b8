"""Each deployment leaves signed evidence, which anyone can verify without the server.

Alice owns it, Bob is a colleague who may only look, Charlie is of another team.
"""

import base64
import json
import shutil
import subprocess
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from rest_framework.test import APIClient
from slipway import evidence as client

from portal.deployment import evidence, policies, release, services, signing
from portal.deployment.models import Deployment, Evidence, SigningKey
from portal.devices import services as devices
from portal.jobs.models import IllegalTransition, Status
from portal.runs import deletion
from portal.runs.models import Run
from tests.seed import Seeder

pytestmark = pytest.mark.django_db
GOLDEN = [
    {"image": "golden/0.png", "sha256": "ab" * 32, "expected": {"label_id": 3}, "predicted": {"label_id": 3}}
]


@pytest.fixture
def run(seed):
    run = seed.run(seed.version())
    seed.train(run)
    return run


@pytest.fixture
def deployment(seed, run) -> Deployment:
    made = seed.deploy(run, seed.convert(run), seed.device())
    made.placed = {"path": "/x", "model_sha256": "a" * 64, "manifest_sha256": "b" * 64}
    made.save()
    made.job.result = {"golden": GOLDEN}
    made.job.save()
    return Deployment.objects.get(pk=made.pk)


def calling(person) -> APIClient:
    api = APIClient()
    api.force_authenticate(person)
    return api


def as_json(deployment) -> bytes:
    return json.dumps(evidence.envelope(evidence.issue(deployment))).encode()


def public_key(team) -> bytes:
    return bytes.fromhex(signing.key_of(team).public)


# --- what it says -----------------------------------------------------------------------------


def test_it_says_what_was_deployed_how_it_was_measured_and_who_decided(team, deployment):
    document = client.verify(as_json(deployment), public_key(team)).document
    assert (document["team"], document["deployment"]["by"]) == ("Harbour", "alice")
    assert document["release"]["model_sha256"] == "a" * 64
    assert document["golden"] == GOLDEN
    stages = [(row["stage"], row["value"], row["images"]) for row in document["evaluations"]]
    assert stages == [
        ("paddle", 0.9903, 308),
        ("onnx", 0.9903, 308),
        ("simulator", 0.987, 308),
        ("board", 0.987, 308),
    ]
    assert all(row["dataset_sha256"] and row["predictions_sha256"] for row in document["evaluations"])
    assert document["model"]["cost"]["weight_bytes"] == 512_000
    assert document["model"]["versions"]["rknn-toolkit2"] == "2.3.2"
    assert {"train", "convert"} == {row["step"] for row in document["files"]}


def test_it_keeps_the_policy_and_the_exception_from_it(team, seed, alice, run):
    policies.put(team, alice, task="classification", fail_under=0.999)
    made = services.start(seed.convert(run), seed.device(), alice, board_images=0, override="Line 3 stands.")
    made.job.move_to(Status.RUNNING, "taken")
    made.job.move_to(Status.FAILED, "It broke.")
    services.after(made.job)
    told = json.loads(Evidence.objects.get().payload)
    assert told["gate"]["override"] == "Line 3 stands." and told["gate"]["override_by"] == "alice"
    assert "at least 99.9 % is required" in told["gate"]["misses"][0]["sentence"]
    assert told["deployment"]["state"] == "failed" and told["golden"] == []


def test_it_is_signed_once_and_only_after_the_end(team, seed, alice, run, deployment):
    first = evidence.issue(deployment)
    assert evidence.issue(deployment).payload == first.payload
    made = services.start(seed.convert(run, "rk3566"), seed.device("Other"), alice, board_images=0)
    with pytest.raises(IllegalTransition, match="signed at its end"):
        evidence.issue(made)


def test_the_predictions_of_the_golden_images_are_recorded_by_their_fields():
    built = release.Release(
        "x",
        {},
        {"golden": [{"image": "golden/0.png", "label_id": 1}], "files": {"golden/0.png": {"sha256": "ff"}}},
    )
    told = release.golden_facts(
        built, [{"type": "answer", "image": "golden/0.png", "label_id": 1, "ms": 3.0}]
    )
    assert told == [
        {"image": "golden/0.png", "sha256": "ff", "expected": {"label_id": 1}, "predicted": {"label_id": 1}}
    ]


# --- changed, foreign or broken files ---------------------------------------------------------


def test_a_changed_payload_or_page_is_not_genuine(deployment):
    envelope = json.loads(as_json(deployment))
    payload = base64.b64decode(envelope["payload"]).replace(b"alice", b"mallory")
    envelope["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(client.NotGenuine, match="changed after it was signed"):
        client.verify(json.dumps(envelope).encode())
    page = evidence.page(evidence.issue(deployment))
    assert client.verify(page).fingerprint.startswith("SHA256:")
    with pytest.raises(client.NotGenuine, match="changed after it was signed"):
        client.verify(page.replace(b"alice", b"mallory"))


def test_another_key_is_told(team, charlie, deployment):
    foreign = Seeder(charlie.memberships.get().team, charlie).team
    with pytest.raises(client.NotGenuine, match="signed with another key"):
        client.verify(as_json(deployment), public_key(foreign))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff\x00", b'{"payload": 3}', b"<!-- slipway-evidence/1 "]
)
def test_what_is_no_evidence_is_refused_with_a_sentence(content):
    with pytest.raises(client.NotGenuine, match="no evidence of a deployment"):
        client.verify(content)


def test_a_new_encryption_key_gives_the_team_a_new_signing_key(team, deployment, settings):
    old = evidence.issue(deployment)
    settings.ENCRYPTION_KEY = Fernet.generate_key()
    key, _signature = signing.sign(team, b"x")
    assert key.pk != old.key_id and SigningKey.objects.count() == 2
    assert client.verify(json.dumps(evidence.envelope(old)).encode()).document["team"] == "Harbour"


def test_the_page_is_whole_by_itself_and_escapes_names(seed, deployment):
    deployment.device.name = "<script>alert(1)</script>"
    deployment.device.save()
    page = evidence.page(evidence.issue(Deployment.objects.get(pk=deployment.pk))).decode()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "src=" not in page and "href=" not in page


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_it_as_the_readme_says(tmp_path, deployment):
    envelope = json.loads(as_json(deployment))
    (tmp_path / "payload.json").write_bytes(base64.b64decode(envelope["payload"]))
    (tmp_path / "payload.sig").write_bytes(base64.b64decode(envelope["signature"]))
    (tmp_path / "key.pem").write_text(envelope["public_key"])
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pem",
        "-rawin",
        "-in",
        "payload.json",
    ]
    done = subprocess.run([*command, "-sigfile", "payload.sig"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("removed", ["device", "run"])
def test_it_outlives_the_device_and_the_run(alice, charlie, run, deployment, removed):
    number, before = deployment.pk, as_json(deployment)
    if removed == "device":
        devices.delete(deployment.device)
    else:
        Deployment.objects.update(activated_at=None)
        deletion.delete(run, alice)
        Run.objects.update(deleted_at=timezone.now() - timedelta(days=60))
        deletion.sweep()
    assert not Deployment.objects.exists()
    address = f"/api/v1/deployments/{number}/evidence/"
    assert calling(alice).get(address).json() == json.loads(before)
    page = calling(alice).get(f"{address}page/")
    assert f"deployment-{number}-evidence.html" in page["Content-Disposition"]
    assert calling(charlie).get(address).status_code == 404
    assert calling(alice).get("/api/v1/deployments/999/evidence/").status_code == 404


# --- pages and API ----------------------------------------------------------------------------


def test_everybody_in_the_team_gets_it_and_nobody_else(client, deployment, bob, charlie):
    address = f"/api/v1/deployments/{deployment.pk}/evidence/"
    assert calling(bob).get(address).json()["format"] == "slipway-evidence/1"
    assert calling(bob).get("/api/v1/deployments/evidence-key/").json()["public_key"].startswith("-----BEGIN")
    page = calling(bob).get(f"{address}page/")
    assert page["Content-Disposition"].startswith("attachment") and b"</html>" in page.content
    assert calling(charlie).get(address).status_code == 404
    client.force_login(bob)
    for suffix in ("html", "json"):
        answer = client.get(f"/deployments/{deployment.pk}/evidence.{suffix}")
        assert answer.status_code == 200 and answer["Content-Disposition"].startswith("attachment")
    client.force_login(charlie)
    assert client.get(f"/deployments/{deployment.pk}/evidence.json").status_code == 404
