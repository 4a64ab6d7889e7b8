"""The front itself asks the database who calls: an outage there is one, and no defect."""

import contextlib

import pytest
from django.db import OperationalError

from portal.ops.front.exchange import Exchange


class Told(Exchange):
    """Keeps the refusal instead of sending it."""

    def __init__(self):
        self.status = 0

    async def refuse(self, refusal):
        self.refusal = refusal


@pytest.mark.parametrize(
    "error, status, wait", [(OperationalError("database is locked"), 503, "5"), (KeyError("x"), 500, None)]
)
def test_an_outage_while_the_caller_is_looked_up_is_said(error, status, wait):
    told = Told()
    with contextlib.suppress(StopIteration):
        told.give_up(error).send(None)
    assert told.refusal.status == status
    assert told.refusal.headers.get("Retry-After") == wait
