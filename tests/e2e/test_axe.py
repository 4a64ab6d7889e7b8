"""axe-core finds no violation on any page: both themes, wide and phone."""

from pathlib import Path

import pytest
from django.urls import reverse

from tests.e2e.test_reading import DESK, PHONE, pages, rows  # noqa: F401

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
def test_axe_finds_nothing_on_any_page(open_page, pages, rows, viewport):  # noqa: F811
    more = {
        "comparison": f"{reverse('run-compare')}?ids={rows['done'].pk}&ids={rows['failed'].pk}",
        "running run": reverse("run-detail", args=[rows["running"].pk]),
        "lost device": reverse("device-detail", args=[rows["lost"].pk]),
    }
    page, found = open_page(viewport=viewport, reduced_motion="reduce"), []
    for name, address in (pages | more).items():
        if name not in NOT_OURS:
            page.goto(address)
            page.evaluate(AXE)
            found += [f"{name}: {one}" for one in page.evaluate(RUN)]
    assert found == [], "\n".join(found)


def test_axe_finds_what_is_wrong(open_page):
    page = open_page()
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button><h6>deep</h6>')"
    )
    page.evaluate(AXE)
    said = " ".join(page.evaluate(RUN))
    assert "button-name" in said and "heading-order" in said
