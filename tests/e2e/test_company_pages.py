"""The second factor and the way over an OpenID provider in a real browser."""

import re
import time

import pytest
from playwright.sync_api import expect

from portal.teams import oidc, second_factor
from tests.conftest import PASSWORD
from tests.e2e.test_axe import AXE, RUN
from tests.fakes import openid

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_one_sets_a_second_factor_up_from_the_picture_and_signs_in_with_it(open_page, settings):
    settings.SECOND_FACTOR = "optional"
    page = open_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page.goto("/account/")
    page.get_by_role("link", name="Set up").click()
    picture = page.get_by_role("img", name="QR code").locator("svg")
    expect(picture).to_be_visible()
    assert picture.bounding_box()["width"] > 150
    page.evaluate(AXE)
    assert page.evaluate(RUN) == []
    secret = re.sub(r"\s", "", page.locator("main code").inner_text())
    page.fill("#id_code", second_factor.code_at(secret, int(time.time()) // 30))
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Set up").click()
    codes = page.get_by_label("Recovery codes").input_value().split()
    assert len(codes) == 10
    page.context.clear_cookies()
    page.goto("/sign-in/")
    page.fill("#id_username", "alice")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.fill("#id_code", codes[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation").first).to_be_visible()


def test_the_button_leads_over_the_provider_into_the_portal(browser, live_server, settings, db):
    provider = openid.start()
    settings.OIDC_ISSUER, settings.OIDC_NAME = provider.issuer, "Acme"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = openid.CLIENT, openid.SECRET
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS, "portal.teams.backends.Provider",
    ]  # fmt: skip
    oidc._metadata.clear()
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.goto("/account/")
    page.get_by_role("link", name="Sign in with Acme").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_text("Connected to your account here.")).to_be_visible()
    context.close()
    provider.shutdown()
    provider.server_close()
