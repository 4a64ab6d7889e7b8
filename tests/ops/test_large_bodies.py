"""Which addresses accept a large body, and whose."""

import pytest
from django.conf import settings

from portal.core.bodies import most_bytes

ACCEPT = [
    ("POST", "/datasets/new/"),
    ("POST", "/runs/new/"),
    ("POST", "/runs/1/clone/"),
    ("POST", "/devices/1/infer/"),
    ("POST", "/api/v1/datasets/"),
    ("POST", "/api/v1/uploads/"),
    ("PATCH", "/api/v1/uploads/00000000-0000-0000-0000-000000000000/"),
    ("POST", "/api/v1/uploads/00000000-0000-0000-0000-000000000000/"),
    ("POST", "/api/v1/devices/1/inferences/"),
]
REFUSE = [
    ("POST", "/sign-in/"),
    ("POST", "/nothing/"),
    ("PATCH", "/api/v1/datasets/1/"),
    ("POST", "/api/v1/runs/"),
    ("POST", "/api/v1/devices/"),
    ("POST", "/datasets/1/"),
]


@pytest.mark.parametrize("method, path", ACCEPT)
def test_it_accepts_files_where_files_are_sent(method, path):
    assert most_bytes(path, method) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


@pytest.mark.parametrize("method, path", REFUSE)
def test_it_accepts_nothing_large_elsewhere(method, path):
    assert most_bytes(path, method) is None
