"""Each answer has its request's name, and so has each line of the log that the request causes."""

import logging

import pytest
from django.conf import settings
from django.test import Client

from portal.core.log_lines import LineFormatter
from portal.core.request_ids import Named


def test_each_answer_of_pages_and_of_the_api_has_a_name_of_its_own(alices):
    names = [alices.get(address)["X-Request-ID"] for address in ("/", "/api/v1/runs/", "/nothing/", "/runs/")]
    assert len(set(names)) == 4 and all(len(name) == 32 for name in names)


def test_the_callers_own_name_is_kept(db):
    assert Client().get("/sign-in/", headers={"X-Request-ID": "order-7.b_2"})["X-Request-ID"] == "order-7.b_2"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a\u200bb", "<b>"])
def test_what_can_be_no_name_is_replaced(db, name):
    assert len(Client().get("/sign-in/", headers={"X-Request-ID": name})["X-Request-ID"]) == 32


def test_each_line_of_the_log_that_a_request_causes_names_it(db):
    lines = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    handler = Kept()
    handler.addFilter(Named())
    handler.setFormatter(LineFormatter("{message}", style="{"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        Client().get("/api/v1/nothing/", headers={"X-Request-ID": "mine"})
        root.warning("outside")
    finally:
        root.removeHandler(handler)
    assert lines[0].endswith(" [mine]") and lines[-1] == "outside"
    assert "named" in settings.LOGGING["handlers"]["console"]["filters"]
