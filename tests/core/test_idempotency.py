"""A call that is sent again under its key is not done again."""

import pytest
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from portal.core import idempotency
from portal.core.models import IdempotentCall
from portal.datasets.models import DatasetVersion, Upload
from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.runs import services as runs
from portal.runs.models import Run
from portal.teams.models import ApiToken
from tests.conftest import PASSWORD
from tests.factories import class_zip

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "5f3c1d2e"


@pytest.fixture
def body(seed):
    return {"dataset_version": seed.version().pk, "preset": "fast", "chips": ["rv1106"]}


def post(user, address, body=None, key=KEY, format="json"):
    client = APIClient()
    client.force_authenticate(user)
    return client.post(f"/api/v1/{address}", body, format=format, headers={"Idempotency-Key": key})


def test_the_same_call_brings_the_first_answer_again_and_starts_nothing(alice, body):
    first = post(alice, "runs/", body)
    again = post(alice, "runs/", dict(reversed(body.items())))
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Run.objects.count() == 1


def test_another_key_or_none_does_it_again(alice, body):
    post(alice, "runs/", body)
    post(alice, "runs/", body, key="another")
    client = APIClient()
    client.force_authenticate(alice)
    client.post("/api/v1/runs/", body, format="json")
    assert Run.objects.count() == 3


def test_the_same_key_with_another_body_or_address_is_refused(alice, body, seed):
    first = post(alice, "runs/", body).json()["id"]
    other = post(alice, "runs/", body | {"preset": "balanced"})
    assert other.status_code == 409
    assert "was used for another call" in other.json()["detail"]
    assert post(alice, f"runs/{first}/cancel/").status_code == 409
    assert Run.objects.get().status != Status.CANCELLED


def test_a_second_call_while_the_first_is_at_work_is_told_to_wait(alice, body, monkeypatch):
    answers, create = [], runs.create_run

    def slowly(*args):
        answers.append(post(alice, "runs/", body))
        return create(*args)

    monkeypatch.setattr(runs, "create_run", slowly)
    assert post(alice, "runs/", body).status_code == 201
    assert answers[0].status_code == 409
    assert "in progress" in answers[0].json()["detail"]
    assert Run.objects.count() == 1


def test_a_call_whose_server_stopped_is_not_done_by_itself(alice, body):
    post(alice, "runs/", body)
    long_ago = timezone.now() - idempotency.LOST_AFTER * 2
    IdempotentCall.objects.update(status=0, created_at=long_ago)
    answer = post(alice, "runs/", body)
    assert answer.status_code == 409
    assert "look whether it was done" in answer.json()["detail"]


def test_what_was_refused_may_be_corrected_under_its_key(alice, body):
    assert post(alice, "runs/", body | {"chips": ["rv9999"]}).status_code == 400
    assert post(alice, "runs/", body).status_code == 201


def test_what_broke_may_be_sent_again(alice, body, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(runs, "create_run", lambda *args: 1 / 0)
        assert post(alice, "runs/", body).status_code == 500
    assert post(alice, "runs/", body).status_code == 201


def test_a_key_is_a_teams_own(alice, charlie, body):
    post(alice, "datasets/samples/digits/")
    assert post(charlie, "datasets/samples/digits/").status_code == 201
    assert DatasetVersion.objects.filter(upload_name="digits.zip").count() == 2


def test_of_a_file_its_name_and_content_count(alice):
    def send(name, classes=("cat", "dog")):
        file = class_zip(classes)
        file.name = name
        return post(alice, "datasets/", {"name": "Pets", "file": file}, format="multipart")

    assert send("pets.zip").status_code == 201
    assert send("pets.zip")["Idempotency-Replayed"] == "true"
    assert send("more.zip").status_code == 409
    assert send("pets.zip", ("cat", "cow")).status_code == 409
    assert DatasetVersion.objects.count() == 1


def test_every_post_that_starts_or_stops_work_listens(alice, seed, monkeypatch):
    device = seed.device()
    run = seed.run(seed.version(), status=Status.RUNNING)
    seed.train(run, Status.FAILED)
    job = seed.job("probe", "deploy", Status.QUEUED)
    for address in (f"devices/{device.pk}/probe/", f"runs/{run.pk}/cancel/", f"jobs/{job.pk}/cancel/"):
        assert post(alice, address, key=f"key-{address}").status_code < 300, address
        assert post(alice, address, key=f"key-{address}")["Idempotency-Replayed"] == "true", address


def test_neither_a_password_nor_its_plain_hash_is_kept(alice, monkeypatch):
    from portal.devices import services
    from portal.devices.hostkeys import HostKey
    from tests.seed import KEY as HOST_KEY

    monkeypatch.setattr(services, "fetch_host_key", lambda *args: HostKey.parse(HOST_KEY))
    body = {"name": "Board", "profile": "virtual", "host": "127.0.0.1", "password": "a secret of the board"}
    assert post(alice, "devices/", body).status_code == 201
    assert post(alice, "devices/", body)["Idempotency-Replayed"] == "true"
    assert Device.objects.count() == 1
    kept = IdempotentCall.objects.get()
    assert "a secret of the board" not in f"{kept.body}{kept.fingerprint}"


def test_a_call_whose_answer_holds_a_secret_is_done_once_and_keeps_nothing_of_it(team, alice):
    alice.memberships.update(role="admin")
    body = {"name": "CI", "scopes": ["read"]}
    assert "secret" in post(alice, "tokens/", body).json()
    again = post(alice, "tokens/", body)
    assert again.status_code == 409 and "held a secret" in again.json()["detail"]
    assert ApiToken.objects.count() == 1
    assert IdempotentCall.objects.get().body == ""


def test_an_upload_is_announced_once_under_its_key(alice):
    client = APIClient()
    client.force_authenticate(alice)
    told = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Idempotency-Key": KEY}

    def announce(**more):
        return client.post("/api/v1/uploads/", headers=told | more)

    first, again = announce(), announce()
    assert first.status_code == again.status_code == 201
    assert again["Location"] == first["Location"] and again["Tus-Resumable"] == "1.0.0"
    assert Upload.objects.count() == 1
    assert announce(**{"Upload-Length": "11"}).status_code == 409


def test_a_change_of_the_password_is_made_once_and_answered_alike(alice):
    body = {"old_password": PASSWORD, "new_password": "another horse battery"}
    first, again = post(alice, "me/password/", body), post(alice, "me/password/", body)
    assert first.status_code == again.status_code == 204
    assert again["Tokens-Working"] == first["Tokens-Working"]


def test_every_post_says_that_it_takes_a_key():
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    posts = {path: operations["post"] for path, operations in paths.items() if "post" in operations}
    assert len(posts) > 35
    for path, operation in posts.items():
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]], path


@pytest.mark.parametrize("key", ["", "two words", "ключ", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(alice, body, key):
    answer = post(alice, "runs/", body, key=key)
    assert answer.status_code == 400
    assert "visible ASCII" in answer.json()["errors"]["Idempotency-Key"][0]


def test_answers_are_kept_for_a_day(alice, body):
    post(alice, "runs/", body)
    idempotency.sweep()
    assert IdempotentCall.objects.count() == 1
    IdempotentCall.objects.update(created_at=timezone.now() - idempotency.KEPT * 1.01)
    idempotency.sweep()
    assert not IdempotentCall.objects.exists()
    post(alice, "runs/", body)
    assert Run.objects.count() == 2
    assert Job.objects.filter(kind="train").count() == 2


def test_no_answer_with_a_secret_could_be_kept():
    schema = SchemaGenerator().get_schema(public=True)
    kept = []
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            told = [one for one in operation.get("parameters", []) if one["name"] == "Idempotency-Key"]
            if told and _secrets(schema, operation) and "a secret" not in told[0]["description"]:
                kept.append(path)
    assert kept == [], "name the actions of these in secret_actions"


def _secrets(schema, operation) -> set:
    """The names of what a successful answer of the operation holds and nobody may keep."""
    found = set()
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values() if status.startswith("2") else ():
            name = media["schema"].get("$ref", "").rsplit("/", 1)[-1]
            found |= set(schema["components"]["schemas"].get(name, {}).get("properties", {}))
    return found & {"secret", "link", "password", "token"}
