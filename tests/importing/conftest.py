import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.importing import services
from portal.models.model_files import ModelFile


@pytest.fixture
def upload_model(run_jobs, team, alice):
    """Return a function that uploads a file that says of itself what it is, and inspects it."""

    def make(name="own.onnx", **facts) -> ModelFile:
        file = SimpleUploadedFile(name, json.dumps(facts).encode())
        made = services.create(team, alice, services.receive(team, alice, file))
        run_jobs()
        made.refresh_from_db()
        return made

    return make
