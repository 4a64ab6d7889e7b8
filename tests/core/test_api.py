"""Alice owns it, Bob is a colleague who may only look, Charlie is of another team."""

import io

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from portal.core.problems import handle_exception
from portal.datasets.services import create_version
from portal.runs.plan import make_plan
from portal.runs.services import create_run
from tests.factories import class_zip
from tests.graphs import compiled_of, job_of, model_of

pytestmark = pytest.mark.django_db(transaction=True)


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def finished(team, alice, run_jobs):
    version = create_version(team, alice, "Pets", class_zip())
    run = create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)
    run_jobs()
    run.refresh_from_db()
    return run


def addresses(run):
    version = run.dataset_version
    job = job_of(run)
    return [
        f"/api/v1/datasets/{version.dataset_id}/",
        f"/api/v1/dataset-versions/{version.pk}/",
        f"/api/v1/runs/{run.pk}/",
        f"/api/v1/runs/{run.pk}/report/",
        f"/api/v1/models/{model_of(run).pk}/",
        f"/api/v1/compiled-models/{compiled_of(run).get().pk}/",
        f"/api/v1/compiled-models/{compiled_of(run).get().pk}/cost/",
        f"/api/v1/jobs/{job.pk}/",
        f"/api/v1/jobs/{job.pk}/log/",
        f"/api/v1/jobs/{job.pk}/events/",
        f"/api/v1/jobs/{job.pk}/metrics/",
        f"/api/v1/jobs/{job.pk}/files/",
        f"/api/v1/jobs/{job.pk}/files/model.onnx",
    ]


LISTS = [
    "datasets",
    "dataset-versions",
    "uploads",
    "runs",
    "jobs",
    "compiled-models",
    "devices",
    "deployments",
]


def test_the_team_reads_everything_and_a_stranger_gets_404_and_nobody_401(finished, alice, bob, charlie):
    for address in addresses(finished):
        assert client_of(alice).get(address).status_code == 200, address
        assert client_of(bob).get(address).status_code == 200, address
        assert client_of(charlie).get(address).status_code == 404, address
        assert APIClient().get(address).status_code == 401, address


def test_lists_hold_the_own_teams_rows_only(finished, alice, charlie):
    for name in LISTS:
        address = f"/api/v1/{name}/"
        assert client_of(alice).get(address).status_code == 200, address
        assert client_of(charlie).get(address).json()["results"] == [], address
    assert len(client_of(alice).get("/api/v1/runs/").json()["results"]) == 1


def test_one_post_starts_the_whole_job(team, alice, run_jobs):
    client = client_of(alice)
    version = client.post("/api/v1/datasets/", {"name": "Pets", "file": class_zip()}, format="multipart")
    assert version.status_code == 201, version.json()
    body = {"dataset_version": version.json()["id"], "preset": "fast", "chips": ["rv1106"]}
    run = client.post("/api/v1/runs/", body, format="json")
    assert run.status_code == 201, run.json()
    assert run.json()["status"] == "queued"
    run_jobs()
    after = client.get(f"/api/v1/runs/{run.json()['id']}/").json()
    assert after["status"] == "succeeded", after["message"]
    assert {row["stage"]: row["value"] for row in after["evaluations"]}["simulator"] == 0.95


def test_a_viewer_may_not_upload_or_start(finished, bob):
    client = client_of(bob)
    upload = client.post("/api/v1/datasets/", {"name": "X", "file": class_zip()}, format="multipart")
    assert upload.status_code == 403
    body = {"dataset_version": finished.dataset_version_id, "preset": "fast", "chips": ["rv1106"]}
    assert client.post("/api/v1/runs/", body, format="json").status_code == 403


def test_a_strangers_dataset_cannot_be_named_in_a_run(finished, charlie):
    body = {"dataset_version": finished.dataset_version_id, "preset": "fast", "chips": ["rv1106"]}
    answer = client_of(charlie).post("/api/v1/runs/", body, format="json")
    assert answer.status_code == 400
    assert "Your team has nothing with the number" in str(answer.json()["errors"]["dataset_version"])


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"preset": "quick"}, "preset", "There is no preset 'quick'"),
        ({"chips": ["rv9999"]}, "chips", "There is no chip 'rv9999'"),
        ({"chips": []}, "chips", "at least one chip or device"),
        ({"params": {"epochs": 0}}, "epochs", "between 1 and 1000"),
        ({"params": {"epochs": "many"}}, "epochs", "not a number"),
        ({"params": {"input_size": [63, 64]}}, "input_size", "can be trained at 64x64"),
        ({"params": {"colour": 1}}, "colour", "no parameter 'colour'"),
    ],
)
def test_a_wrong_choice_is_refused_at_its_field_with_a_sentence(finished, alice, change, field, words):
    body = {"dataset_version": finished.dataset_version_id, "preset": "fast", "chips": ["rv1106"], **change}
    answer = client_of(alice).post("/api/v1/runs/", body, format="json")
    assert answer.status_code == 400
    assert words in answer.json()["errors"][field][0]
    assert answer["Content-Type"] == "application/problem+json"


def test_a_log_is_read_by_byte_offset_and_says_when_it_is_whole(finished, alice):
    address = f"/api/v1/jobs/{job_of(finished).pk}/log/"
    whole = client_of(alice).get(address)
    assert whole["X-Finished"] == "yes"
    end = int(whole["X-Offset"])
    assert end == len(whole.content) > 20
    rest = client_of(alice).get(address, {"offset": 10})
    assert rest.content == whole.content[10:]
    assert client_of(alice).get(address, {"offset": end}).content == b""
    assert client_of(alice).get(address, {"offset": "nonsense"}).status_code == 400


def test_parts_of_a_log_are_those_that_range_names(finished, alice):
    address, client = f"/api/v1/jobs/{job_of(finished).pk}/log/", client_of(alice)
    whole = client.get(address)
    assert whole["Accept-Ranges"] == "bytes"
    part = client.get(address, headers={"Range": "bytes=5-14"})
    assert part.status_code == 206 and b"".join(part.streaming_content) == whole.content[5:15]
    assert part["Content-Range"] == f"bytes 5-14/{len(whole.content)}"
    assert client.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416


def test_a_finished_job_can_be_neither_cancelled_nor_retried(finished, alice):
    address = f"/api/v1/jobs/{job_of(finished).pk}"
    assert client_of(alice).post(f"{address}/cancel/").json()["status"] == "succeeded"
    answer = client_of(alice).post(f"{address}/retry/")
    assert answer.status_code == 409
    assert "only a failed or cancelled job" in answer.json()["detail"]


def test_an_unknown_address_is_a_problem_and_not_a_page(alice):
    answer = client_of(alice).get("/api/v1/runs/999999/")
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not found"


def test_an_address_that_leads_nowhere_is_a_problem_for_everybody(alice):
    for client in (client_of(alice), APIClient()):
        answer = client.get("/api/v1/runs/first/")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
        assert "nothing at this address" in answer.json()["detail"]


def test_the_schema_describes_the_endpoints(alice):
    answer = client_of(alice).get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    assert "/api/v1/runs/" in answer.json()["paths"]


def test_it_answers_to_basic_authentication(alice):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5")
    assert client.get("/api/v1/runs/").status_code == 200


def test_the_schema_has_neither_a_warning_nor_an_open_answer(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())
    schema = SchemaGenerator().get_schema(public=True)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert {"403", "429"} <= set(operation["responses"]), f"{method} {path}"


def test_it_tells_the_kinds_of_boards_and_no_password(alice):
    found = client_of(alice).get("/api/v1/board-profiles/").json()
    assert found["virtual"]["virtual"] is True
    assert found["lockzhiner-vision-module"]["chip"] == "rv1106"
    assert "password" not in str(found).replace("your own password", "")


def test_a_request_with_too_many_files_is_refused_with_a_sentence(alice, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
    body = {"name": "Pets", "file": [class_zip(), class_zip()]}
    answer = client_of(alice).post("/api/v1/datasets/", body, format="multipart")
    assert answer.status_code == 400
    assert "too many" in answer.json()["detail"]


def test_a_refused_field_of_an_object_is_named_with_it_in_the_detail():
    error = ValidationError({"quantization": {"images": ["At most 1000."]}, "": ["Choose one."]})
    answer = handle_exception(error, {})
    assert answer.data["detail"] == "quantization.images: At most 1000. Choose one."
