"""axe-core finds no violation on any page: both themes, wide and phone."""

from array import array
from pathlib import Path

import pytest
from django.urls import reverse

from portal.datasets import drafts, proposals
from portal.datasets.draft_models import Proposal
from tests.datasets.index_builders import boxed, ready_version
from tests.e2e.test_reading import DESK, PHONE, pages, rows  # noqa: F401
from tests.jobs.test_hosts import server_administrator, workers  # noqa: F401
from tests.prelabelling.models import trained_model

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = (Path(__file__).parent / "vendor/axe-core/axe.min.js").read_text(encoding="utf-8")
NOT_OURS = {"api-docs"}  # drawn by Swagger UI
# All rules in the light theme, and of the dark one the only rule that colours matter to.
RUN = """async () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  const root = document.documentElement.dataset;
  const ask = async (theme, options) => {
    root.bsTheme = theme;
    const { violations } = await axe.run({ resultTypes: ["violations"], ...options });
    const words = (id, { html }) => `${theme} ${id}: ${html.slice(0, 140)}`;
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => words(id, node)));
  };
  const light = await ask("light", { rules: { "label-content-name-mismatch": { enabled: true } } });
  return [...light, ...await ask("dark", { runOnly: ["color-contrast"] })];
}"""


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_on_any_page(open_page, pages, rows, people, viewport):  # noqa: F811
    more = pages_of_boxes(people) | {
        "comparison": f"{reverse('run-compare')}?ids={rows['done'].pk}&ids={rows['failed'].pk}",
        "running run": reverse("run-detail", args=[rows["running"].pk]),
        "new jump host": reverse("jump-host-new"),
        "jump hosts": reverse("jump-host-list"),
        "access to a device": reverse("device-access", args=[rows["virtual"].pk]),
        "lost device": reverse("device-detail", args=[rows["lost"].pk]),
    }
    page, found = open_page(viewport=viewport, reduced_motion="reduce"), []
    for name, address in (pages | more).items():
        if name not in NOT_OURS:
            page.goto(address)
            page.evaluate(AXE)
            found += [f"{name}: {one}" for one in page.evaluate(RUN)]
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_on_the_page_of_hosts(open_page, server_administrator, workers):  # noqa: F811
    for viewport in DESK, PHONE:
        page = open_page(viewport=viewport, reduced_motion="reduce")
        page.goto(reverse("job-hosts"))
        page.wait_for_selector("text=gpu-1")
        page.evaluate(AXE)
        assert page.evaluate(RUN) == []


def pages_of_boxes(people) -> dict[str, str]:
    """Drawing, accepting a proposal, cutting boxes out, and the question of which class is which."""
    team, alice = people["team"], people["alice"]
    street = ready_version(team, alice, "Boxes", fill=boxed, task="detection")
    bare = ready_version(team, alice, "Bare", fill=photographs, class_names=["car"], task="detection")
    model = trained_model(street)
    draft = drafts.begin(alice, bare)
    proposal = Proposal(
        draft=draft, image=1, label=[[0, 4, 4, 9, 9]], score=0.8, by=model.name, model=model.pk
    )
    proposals.replace(draft, [proposal])
    return {
        "drawing": reverse("dataset-image-page", args=[street.pk, 1]),
        "proposal": reverse("dataset-image-page", args=[bare.pk, 1]),
        "cutting": reverse("dataset-cut", args=[street.pk]),
        "classes of a model": f"{reverse('dataset-prelabel', args=[bare.pk])}?model={model.pk}",
    }


def photographs(pack):
    for number in range(3):
        pack.add((30, 40 * number, 90), (64, 48), boxes=array("d"), original=f"photos/{number}.png")


def test_axe_finds_what_is_wrong(open_page):
    page = open_page()
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button><h6>deep</h6>')"
    )
    page.evaluate(AXE)
    said = " ".join(page.evaluate(RUN))
    assert "button-name" in said and "heading-order" in said
