"""One trace from the call of the API to the commands on the board."""

import pytest
from rest_framework.test import APIClient

from tests.collector import collecting
from tests.devices.boards import needs_convert_environment
from tests.devices.live import execute

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]


def test_a_check_that_was_asked_for_by_api_is_followed_to_the_board(rows, alice, monkeypatch):
    with collecting(monkeypatch) as collector:
        client = APIClient()
        client.force_authenticate(alice)
        assert client.post(f"/api/v1/devices/{rows.device.pk}/probe/").status_code == 202
        rows.device.refresh_from_db()
        execute(rows.device.probe_job)
        spans = {span.name: span for span in collector.read()}
    call = next(span for name, span in spans.items() if name.startswith("POST "))
    job = spans["job probe"]
    assert {span.trace_id for span in spans.values()} == {call.trace_id}
    assert job.parent_span_id == call.span_id
    assert spans["connect to board"].parent_span_id == spans["run on board"].parent_span_id == job.span_id
