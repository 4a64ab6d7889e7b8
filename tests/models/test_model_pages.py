"""The list of compiled models."""

import re

from django.urls import reverse
from django.utils import timezone

from tests.seed import everything


def test_models_are_listed_with_accuracy_size_and_where_they_run(client, team, alice):
    rows = everything(team, alice)
    client.force_login(alice)
    page = client.get(reverse("model-list")).content.decode()
    assert "99.03 %" in page and "98.70 %" in page and "717.0 KB" in page
    assert "Virtual board" in page and "virtual-badge" in page
    assert reverse("artifact-download", args=[rows["model"].job_id, "model.rknn"]) in page


def test_a_model_is_on_the_devices_that_run_it_now_and_on_no_other(client, team, alice):
    device = everything(team, alice)["virtual"]
    client.force_login(alice)

    def on_it() -> list[int]:
        """The jobs of the models that the list shows on the device."""
        page = client.get(reverse("model-list")).content.decode()
        lines = [line for line in page.split("<tr>") if f">{device.name}</a>" in line]
        return [int(re.search(r"/jobs/(\d+)/", line)[1]) for line in lines]

    newest, before = device.deployments.order_by("-pk")
    assert on_it() == [newest.compiled_model.job_id]
    device.reported_release, device.reported_at = before.release, timezone.now()
    device.save()
    assert on_it() == [before.compiled_model.job_id]


def test_models_filter_by_chip(client, team, alice):
    everything(team, alice)
    client.force_login(alice)
    page = client.get(reverse("model-list"), {"chip": "rk3566"}).content.decode()
    assert page.count(">RK3566<") + page.count("Rockchip RK3566") >= 1
    assert "Digits, fast" not in page
