"""Images from devices from the command line."""

import pytest
from slipway import Client, Refused

from portal.devices import seen
from portal.devices.seen import Seen
from portal.review import offering
from portal.review.models import Item, Rule
from tests.factories import png
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


def test_images_are_listed_corrected_and_a_rule_set(signed_in, slipway, team, alice):
    seed = Seeder(team, alice)
    version = seed.version()
    device = seed.device("Virtual board", "virtual")
    run = seed.run(version)
    seed.train(run)
    deployment = seed.deploy(run, seed.convert(run), device)
    assert slipway("review", "rule").code == 2
    rule = ("review", "rule", "--device", "Virtual board")
    made = slipway(*rule, "--below", 0.6, "--dataset", version.dataset.name)
    assert made.out == "Virtual board: below=0.6\n", made.err
    assert "below=0.6" in slipway("review", "rules").out
    answer = {"label_id": 0, "label": "0", "score": 0.4}
    images = [Seen("belt.png", answer, png)]
    assert offering.Reviewer().offer(device, "classification", deployment.release, seen.ASKED, images) == 1
    number = Item.objects.get().pk
    assert f"{number}\tVirtual board\t0 0.40\t\tbelt.png" in slipway("review", "list").out
    assert slipway("review", "accept", number, "--label", "划痕").out == f"{number}: accepted 划痕\n"
    assert "waiting" in slipway("review", "undo", number).out
    assert "discarded" in slipway("review", "discard", number).out
    assert slipway("review", "version", version.dataset.name).code == 6
    client = Client()
    [row] = client.review_items(state="discarded")
    client.undo(row)
    assert client.accept(row, "划痕")["label"] == "划痕"
    assert client.discard(client.undo(row))["state"] == "discarded"
    with pytest.raises(Refused, match="review some first"):
        client.next_version(version.dataset.name)
    assert "removed" in slipway(*rule, "--remove").out
    assert not Rule.objects.exists()
