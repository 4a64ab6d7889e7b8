"""A real network proposes boxes through the job machine, and the version made of them says so."""

import hashlib
from array import array

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile

from portal.datasets import drafts, indexes, proposals
from portal.datasets.models import DatasetVersion
from portal.jobs.models import Status
from portal.models.models import Model
from portal.prelabelling import services
from tests.datasets.index_builders import boxed, ready_version
from tests.devices.boards import make_tiny_model, needs_convert_environment
from tests.prelabelling.models import trained_model

pytestmark = [pytest.mark.toolchain, needs_convert_environment, pytest.mark.django_db(transaction=True)]
SIDE, CELL = 128, 32  # of the images; a cell of 16 of the network's 64 pixels
RED, GREEN = (255, 0, 0), (0, 255, 0)


@pytest.fixture
def squares(team, alice, tmp_path):
    """A detector: the tiny one, which finds each cell of one colour."""
    version = ready_version(team, alice, "Squares", fill=boxed, class_names=["blue", "red"], task="detection")
    model = trained_model(version, "Squares v1")
    network = make_tiny_model(tmp_path, "make_tiny_detector.py") / "build.onnx"
    stored = model.job.artifacts.get(name="model.slim.onnx")
    stored.sha256 = hashlib.sha256(network.read_bytes()).hexdigest()
    stored.file.save("model.slim.onnx", ContentFile(network.read_bytes()))
    facts = {"mean": [0.0] * 3, "std": [1.0] * 3, "input_size": [64, 64]}
    Model.objects.filter(pk=model.pk).update(facts=facts)
    model.refresh_from_db()
    return model


def photographs(pack):
    for number, colour in enumerate((RED, GREEN)):
        pack.add(colour, (SIDE, SIDE), boxes=array("d"), original=f"photos/{number}.png")


def test_a_real_network_proposes_boxes_that_are_accepted(team, alice, squares, settings, run_jobs):
    settings.PRELABEL_PROGRAM = [
        str(django_settings.CONVERT_PYTHON), "-m", "workers.convert.prelabel"
    ]  # fmt: skip
    street = ready_version(
        team, alice, "Street", fill=photographs, class_names=["Red", "car"], task="detection"
    )
    made = services.start(alice, street, squares, {"blue": None}, 0.5)
    run_jobs()
    made.refresh_from_db()
    assert made.job.status == Status.SUCCEEDED, made.job.message
    assert (made.images, made.proposed) == (2, 1)
    (found,) = made.draft.proposals.all()
    corners = sorted((round(x), round(y)) for _class, x, y, _width, _height in found.label)
    assert corners == [(x, y) for x in range(0, SIDE, CELL) for y in range(0, SIDE, CELL)]
    assert {box[0] for box in found.label} == {0} and found.score > 0.9
    proposals.accept(alice, street, {"filter": {}})
    drafts.commit(made.draft)
    run_jobs()
    version = DatasetVersion.objects.get(parent=street)
    with indexes.opened(version) as index:
        row = next(row for row in index.all() if row.boxes)
    assert row.proposed.origins(row.box_rows()) == ["accepted"] * 16
    assert version.statistics["proposed"][0]["name"] == "Squares v1"
