"""A team in a real browser: a link invites, a role changes what is offered, a token is shown once."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from portal.teams.models import AuditEntry, Membership, Role
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NEW_PASSWORD = "another battery staple"


@pytest.fixture
def as_admin(open_page, people):
    """Alice's page, where she is an administrator."""
    Membership.objects.filter(user=people["alice"]).update(role=Role.ADMIN)
    return open_page()


def no_sideways_scroll(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.fixture
def fresh_page(browser, live_server):
    """A browser of somebody else, who is not signed in."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 800})
    yield context.new_page()
    context.close()


def test_a_link_makes_a_member_who_is_then_made_an_operator_and_removed(as_admin, fresh_page):
    as_admin.goto("/team/")
    as_admin.fill("#id_note", "Eve from the night shift")
    as_admin.get_by_role("button", name="Create link").click()
    link = as_admin.locator("#shown-once").input_value()
    as_admin.reload()
    expect(as_admin.locator("#shown-once")).to_have_count(0)

    fresh_page.goto(link)
    assert no_sideways_scroll(fresh_page)
    fresh_page.fill("#id_username", "eve")
    fresh_page.fill("#id_password1", NEW_PASSWORD)
    fresh_page.fill("#id_password2", NEW_PASSWORD)
    fresh_page.get_by_role("button", name="Create an account and join").click()
    expect(fresh_page.get_by_text("Welcome to Harbour")).to_be_visible()
    fresh_page.goto("/devices/new/")
    expect(fresh_page.get_by_text("needs the role operator")).to_be_visible()

    as_admin.goto("/team/")
    row = as_admin.get_by_role("row").filter(has_text="eve")
    row.get_by_label("Role of eve").select_option("operator")
    with as_admin.expect_navigation():
        row.get_by_role("button", name="Set").click()
    fresh_page.goto("/devices/new/")
    expect(fresh_page.locator("#id_host")).to_be_visible()

    with as_admin.expect_navigation():
        as_admin.get_by_role("row").filter(has_text="eve").get_by_role("link", name="Remove").click()
    as_admin.locator("main form button").click()
    expect(as_admin.get_by_role("row").filter(has_text="eve")).to_have_count(0)
    fresh_page.goto("/devices/new/")
    expect(fresh_page.get_by_text("not a member of any team")).to_be_visible()


def test_a_token_is_shown_once_and_works_until_it_is_revoked(open_page, live_server):
    page = open_page(viewport={"width": 390, "height": 800})
    page.goto("/team/tokens/")
    page.fill("#id_name", "Night training")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#shown-once").input_value()
    assert no_sideways_scroll(page)
    call = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert page.context.request.get("/api/v1/runs/", **call).status == 200
    page.reload()
    expect(page.locator("#shown-once")).to_have_count(0)
    page.get_by_role("button", name="Revoke Night training").click()
    expect(page.get_by_text("revoked", exact=True)).to_be_visible()
    assert page.context.request.get("/api/v1/runs/", **call).status == 401


def test_a_forgotten_password_is_made_new_by_a_link_in_a_mail(fresh_page, people, settings):
    settings.EMAIL_HOST = "mail.example.com"
    people["bob"].email = "bob@example.com"
    people["bob"].save()
    fresh_page.goto("/sign-in/")
    fresh_page.get_by_role("link", name="Forgot your password?").click()
    fresh_page.fill("#id_email", "bob@example.com")
    fresh_page.locator("main button").click()
    expect(fresh_page.get_by_text("a link is on its way")).to_be_visible()
    fresh_page.goto(re.search(r"https?://\S+", mail.outbox[0].body)[0])
    fresh_page.fill("#id_new_password1", NEW_PASSWORD)
    fresh_page.fill("#id_new_password2", NEW_PASSWORD)
    fresh_page.locator("main button").click()
    expect(fresh_page.get_by_text("Your new password is set")).to_be_visible()
    fresh_page.fill("#id_username", "bob")
    fresh_page.fill("#id_password", NEW_PASSWORD)
    fresh_page.locator("main button").click()
    expect(fresh_page.get_by_role("navigation").first).to_be_visible()
    people["bob"].refresh_from_db()
    assert people["bob"].check_password(NEW_PASSWORD) and not people["bob"].check_password(PASSWORD)


def test_the_audit_offers_its_actions_as_choices_and_hides_calls_that_changed_nothing(as_admin, people):
    team, alice = people["team"], people["alice"]
    for verb in ("api.call", "dataset.rename", "member.role"):
        AuditEntry.objects.create(team=team, actor=alice, actor_name="alice", verb=verb, object_label="Pets")
    as_admin.goto("/team/audit/")
    rows = as_admin.locator("tbody tr")
    expect(rows.filter(has_text="Dataset renamed")).to_have_count(1)
    expect(rows.filter(has_text="API call")).to_have_count(0)
    as_admin.click("summary:has-text('Filter')")
    as_admin.get_by_label("Action").select_option("Dataset renamed")
    as_admin.get_by_role("button", name="Show", exact=True).click()
    expect(rows).to_have_count(1)
    as_admin.get_by_role("link", name="Show all").click()
    as_admin.click("summary:has-text('Filter')")
    as_admin.get_by_label("Show API calls").check()
    as_admin.get_by_role("button", name="Show", exact=True).click()
    expect(rows.filter(has_text="API call")).to_have_count(1)
