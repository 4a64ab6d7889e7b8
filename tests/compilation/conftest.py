import pytest

from portal.datasets.services import create_version
from portal.models.models import CompiledModel
from portal.runs import services
from portal.runs.plan import make_plan
from tests.factories import class_zip
from tests.graphs import compiled_of


@pytest.fixture
def finished(run_jobs, team, alice):
    """Return a function that makes a finished run; with ``drop`` its int8 model loses much."""

    def make(drop=True, chips=("rv1106",), images=20):
        version = create_version(
            team, alice, "Pets", class_zip(("cat", "fake: drop" if drop else "dog"), images)
        )
        run = services.create_run(make_plan(version, preset="fast", chips=chips), team, alice)
        run_jobs()
        run.refresh_from_db()
        return run

    return make


@pytest.fixture
def compiled(finished) -> CompiledModel:
    return compiled_of(finished()).get()
