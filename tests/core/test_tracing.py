"""Traces: off by default, without secrets, and harmless if their collector is away."""

import json
import logging

import pytest
from django.test import Client
from django.urls import reverse

from portal.core import tracing
from portal.core.log_lines import JsonFormatter
from portal.core.request_ids import Named
from portal.jobs import execution, kinds, services
from portal.jobs.models import Status
from tests.collector import collecting, values

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector(monkeypatch):
    with collecting(monkeypatch) as found:
        yield found


def test_without_a_collector_nothing_is_traced(settings):
    before = list(settings.MIDDLEWARE)
    tracing.set_up()
    with tracing.span("work") as span:
        assert span is None and tracing.parent() == ""
    assert settings.MIDDLEWARE == before


def test_a_request_is_a_span_of_its_callers_trace_named_by_its_route(db, collector):
    Client().get(reverse("sign-in"), headers={"traceparent": CALLER})
    Client().get("/healthz")
    (span,) = collector.read()
    assert span.trace_id.hex() == CALLER[3:35] and span.parent_span_id.hex() == CALLER[36:52]
    assert span.name.startswith("GET ") and "slipway" in str(collector.requests[0].resource_spans[0].resource)


def test_no_secret_of_an_address_is_sent(db, collector):
    Client().get(reverse("password-reset", args=["MQ", "set-this-secret-0123456789"]) + "?next=hidden-too")
    Client().get("/nowhere/set-this-secret-0123456789/")
    assert len(collector.read()) == 2
    assert b"set-this-secret" not in b"".join(one.SerializeToString() for one in collector.requests)
    assert b"hidden-too" not in b"".join(one.SerializeToString() for one in collector.requests)


def test_a_failed_job_is_a_failed_span_and_its_retry_follows_the_same_trace(
    transactional_db, team, alice, collector, monkeypatch
):
    fails = kinds.Kind("probe", "Probe", "deploy", 10, perform=lambda job, context: 1 / 0)
    monkeypatch.setitem(kinds._kinds, "probe", fails)
    with tracing.span("call"):
        job = services.submit("probe", team, alice)
    execution.execute(job.pk)
    job.refresh_from_db()
    assert job.status == Status.FAILED
    services.retry(job, attempt=2)
    call, failed = sorted(collector.read(), key=lambda span: span.start_time_unix_nano)
    assert (failed.trace_id, failed.parent_span_id) == (call.trace_id, call.span_id)
    assert failed.name == "job probe" and failed.status.code == failed.status.STATUS_CODE_ERROR
    assert values(failed)["slipway.job.id"] == str(job.pk)
    assert job.retried_by.trace == job.trace


def test_log_lines_name_the_trace(collector):
    record = logging.LogRecord("portal", logging.INFO, "", 1, "hello", (), None)
    with tracing.span("work"):
        Named().filter(record)
        assert json.loads(JsonFormatter().format(record))["trace_id"] == tracing.trace_id() != ""


def test_a_collector_that_is_away_costs_nothing_but_spans(db, collector):
    collector.server.server_close()
    assert Client().get(reverse("sign-in")).status_code == 200
