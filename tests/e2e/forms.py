"""What tests do with the portal's forms, whatever state a form opens in."""

from playwright.sync_api import Page


def choose_chip(page: Page, chip: str = "rv1106") -> None:
    """Tick a chip of New run, in a part of the page that may be closed. Waits for the page to come."""
    part = page.locator("details:has(input[name=chips])")
    if part.get_attribute("open") is None:
        part.locator("> summary").click()
    page.check(f"input[name=chips][value={chip}]")
