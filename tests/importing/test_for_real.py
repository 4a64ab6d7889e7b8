"""A small network is imported, compiled by the toolkit, and deployed to a virtual board."""

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.datasets.services import create_version
from portal.devices.models import Device
from portal.importing import services
from portal.jobs.models import Status
from portal.models.models import Evaluation
from portal.runs import importing
from portal.runs.graph import Graph
from portal.runs.services import create_run
from portal.tasks import Stage
from tests.devices.boards import PASSWORD, RunningBoard, make_tiny_model, needs_convert_environment
from tests.devices.live import secret
from tests.factories import zip_of

pytestmark = [
    pytest.mark.toolchain,
    pytest.mark.ssh,
    needs_convert_environment,
    pytest.mark.django_db(transaction=True),
]
COLOURS = {"blue": (0, 0, 1), "green": (0, 1, 0), "red": (1, 0, 0)}


@pytest.fixture
def colours(run_jobs, team, alice):
    pictures = {
        f"{name}/{shade}.png": tuple(part * shade for part in colour)
        for name, colour in COLOURS.items()
        for shade in range(110, 250, 15)
    }
    version = create_version(team, alice, "Colours", zip_of(pictures))
    run_jobs()
    version.refresh_from_db()
    return version


@pytest.fixture
def real_programs(settings):
    settings.INTAKE_PROGRAM = [str(django_settings.TRAIN_PYTHON), "-m", "workers.intake"]
    settings.CONVERT_PROGRAM = [str(django_settings.CONVERT_PYTHON), "-m", "workers.convert"]


@pytest.fixture
def device(tmp_path, team, alice):
    board = RunningBoard(tmp_path)
    state = board.state
    yield Device.objects.create(
        team=team, created_by=alice, name="Software", profile="virtual", host="127.0.0.1",
        port=state["port"], host_key=state["host_key"], secret=secret(password=PASSWORD),
    )  # fmt: skip
    board.stop()


def test_a_network_goes_from_its_file_to_a_board(
    colours, device, real_programs, run_jobs, team, alice, tmp_path
):
    network = make_tiny_model(tmp_path) / "build.onnx"
    file = SimpleUploadedFile("colours.onnx", network.read_bytes())
    made = services.create(team, alice, services.receive(team, alice, file))
    run_jobs()
    made.refresh_from_db()
    assert made.is_usable, (made.job.message, made.facts.get("refusal"))
    assert made.facts["classes"] == 3 and made.facts["input_size"] == [16, 8]
    plan = importing.make_plan(
        made, colours, labels=["Blue", "green", "red"], mean=[0, 0, 0], std=[0.1, 0.1, 0.1],
        model_order="bgr", devices=[device],
    )  # fmt: skip
    run = create_run(plan, team, alice)
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED, run.message
    values = dict(Evaluation.objects.order_by("pk").values_list("stage", "value"))
    assert values == {Stage.ONNX: 1.0, Stage.SIMULATOR: 1.0, Stage.BOARD: 1.0}
    deployed = Graph(run).deployments[0]
    assert deployed.is_current and deployed.compiled_model.model.class_names == ["Blue", "green", "red"]
