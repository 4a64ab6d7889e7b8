"""Pages of many devices: a part at a time, and no more queries than for a few."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.devices.models import Device
from portal.rollouts import views
from tests.bulk_devices import fill, pages

pytestmark = pytest.mark.django_db


def test_the_queries_of_pages_do_not_grow_with_the_devices(alices, alice, team):
    counts = []
    for count in (4, 30):
        Device.objects.all().delete()
        found = {}
        for name, path in pages(*fill(team, alice, count)).items():
            cache.clear()
            alices.get(path)  # what is done once a minute is done by the first
            cache.clear()
            with CaptureQueriesContext(connection) as queries:
                assert alices.get(path).status_code == 200, name
            found[name] = len(queries)
        counts.append(found)
    assert counts[0] == counts[1]


def test_a_large_rollout_is_shown_in_parts_and_by_state(alices, alice, team, monkeypatch):
    monkeypatch.setattr(views, "TILES", 8)
    device, rollout = fill(team, alice, 20)
    address = rollout.get_absolute_url()
    first = alices.get(address).content.decode()
    assert first.count('<article class="tile">') == 8 and "1 to 8 of 20" in first
    assert "15 boards" in first and f'href="{address}?from=9"' in first
    last = alices.get(f"{address}?from=20").content.decode()
    assert last.count('<article class="tile">') == 4 and "17 to 20 of 20" in last
    assert f'hx-get="{address}live/?from=20"' in last, "what is polled is what is shown"
    failed = alices.get(f"{address}?state=failed").content.decode()
    assert failed.count('<article class="tile">') == failed.count("It broke: look.") == 4
    assert alices.get(f"{address}?state=<b>&from=x").content.decode().count('<article class="tile">') == 8


def test_devices_are_listed_by_name_in_parts(alices, alice, team):
    fill(team, alice, 51)
    first = alices.get("/devices/").content.decode()
    assert "Board 0049" in first and "Board 0050" not in first and "Model for 51" in first
    assert "Board 0050" in alices.get("/devices/?from=51").content.decode()
