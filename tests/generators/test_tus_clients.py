"""Two tus clients that others wrote: upload, break, resume, checksum; parallel parts are refused at once."""

import json

import pytest

from portal.datasets.models import DatasetVersion, Upload
from portal.teams import tokens
from portal.teams.models import Scope
from tests.factories import class_zip
from tests.generators.test_generated_clients import HERE, UV, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.generators]
TUSPY = [*UV, "--quiet", "run", "--no-project", "--with", "tuspy==1.1.0", "python"]
TUS_JS = "tus-js-client@4.3.1"


@pytest.fixture
def told(live_server, team, alice, tmp_path):
    """The endpoint, a token and an archive, as the scripts take them."""
    (tmp_path / "pets.zip").write_bytes(class_zip().read())
    _, secret = tokens.make(team, alice, "tus", Scope.values, 1)
    return [f"{live_server.url}/api/v1/uploads/", secret, tmp_path / "pets.zip"]


def test_tuspy_uploads_breaks_off_resumes_and_is_told_of_damaged_bytes(told, tmp_path):
    found = json.loads(said([*TUSPY, HERE / "tuspy_upload.py", *told], tmp_path))
    size = told[2].stat().st_size
    assert found == {"damaged": 460, "resumed_at": 1000, "offset": size}
    assert DatasetVersion.objects.get().dataset.name == "Pets"


def test_tus_js_client_uploads_breaks_off_resumes_and_is_refused_parts_at_the_first_call(told, tmp_path):
    said(["npm", "install", "--no-audit", "--no-fund", "--prefix", tmp_path, TUS_JS], tmp_path)
    script = tmp_path / "upload.mjs"
    script.write_text((HERE / "tus_js_upload.mjs").read_text())
    found = json.loads(said(["node", script, *told], tmp_path))
    assert found["resumed_at"] == 1000 and found["status"] == 0
    assert (found["parallel"], found["parallel_methods"]) == (400, ["POST"])
    assert [upload.offset for upload in Upload.objects.all()] == [told[2].stat().st_size]
    assert DatasetVersion.objects.get().dataset.name == "Pets"
