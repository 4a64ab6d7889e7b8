"""The list of compiled models."""

from django.urls import reverse

from tests.seed import everything


def test_models_are_listed_with_accuracy_size_and_where_they_run(client, team, alice):
    rows = everything(team, alice)
    client.force_login(alice)
    page = client.get(reverse("model-list")).content.decode()
    assert "99.03 %" in page and "98.70 %" in page and "717.0 KB" in page
    assert "Virtual board" in page and "virtual-badge" in page
    assert reverse("artifact-download", args=[rows["model"].job_id, "model.rknn"]) in page


def test_models_filter_by_chip(client, team, alice):
    everything(team, alice)
    client.force_login(alice)
    page = client.get(reverse("model-list"), {"chip": "rk3566"}).content.decode()
    assert page.count(">RK3566<") + page.count("Rockchip RK3566") >= 1
    assert "Digits, fast" not in page
