"""Guessing passwords, coming back after a removal, links that outlive a right."""

from __future__ import annotations

import re

from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import PASSWORD, Caller, require_status

GUESSES = 16
FREE_GUESSES = 12  # a few are everybody's right
WRONG = "not-the-password-17"
NEW = "copper-meadow-lantern-52"


def _guess(caller: Caller, name: str) -> int:
    """Try a wrong password on the page; return the status."""
    if "csrftoken" not in caller.cookies:
        caller.get("/sign-in/")
    form = {"username": name, "password": WRONG, "csrfmiddlewaretoken": caller.cookies["csrftoken"]}
    return caller.post("/sign-in/", form).status_code


def _until_throttled(guesses) -> int:
    """How many guesses were judged before one was told to wait; all of them when none was."""
    judged = 0
    for status in guesses:
        if status == 429:
            return judged
        judged += 1
    return judged


@attack("8 throttle of passwords")
def guesses_by_other_spellings(scene) -> None:
    """Guess one account's password under spellings that Django takes for the same name."""
    person = scene.person("karla", "member")
    caller = scene.stranger()
    spellings = [
        person.name, "ｋarla", "karla ", " karla", "k\uff41rla", "karla\u3000", "ka\uff52la", "kar\uff4ca",
    ]  # fmt: skip
    names = [spellings[number % len(spellings)] for number in range(GUESSES)]
    judged = _until_throttled(_guess(caller, name) for name in names)
    require(judged <= FREE_GUESSES, f"{judged} guesses at one account by spelling its name otherwise.")


@attack("8 throttle of passwords")
def guesses_from_one_ipv6_network(scene) -> None:
    """Guess one account's password from another address of the same /64 each time."""
    scene.person("ludwig", "member")
    callers = [scene.stranger(f"2001:db8:1:2::{number:x}") for number in range(1, GUESSES + 1)]
    judged = _until_throttled(_guess(caller, "ludwig") for caller in callers)
    require(judged <= FREE_GUESSES, f"{judged} guesses at one account from one IPv6 network.")


@attack("8 throttle of passwords")
def guesses_in_the_account_pages(scene) -> None:
    """Guess the password of an open session on the pages and endpoints that ask for it."""
    pages = {
        "/password/": {"old_password": WRONG, "new_password1": NEW, "new_password2": NEW},
        "/account/": {"email": "new@example.org", "password": WRONG},
    }
    for number, (path, form) in enumerate(pages.items()):
        scene.person(f"martha-{number}", "viewer")
        browser = scene.browser(f"martha-{number}")
        judged = _until_throttled(browser.post(path, form).status_code for _ in range(GUESSES))
        require(judged <= FREE_GUESSES, f"{judged} guesses on the page {path}.")
    scene.person("martha-api", "viewer")
    caller = scene.api("martha-api")
    calls = {
        "PATCH me/": lambda: caller.patch("/api/v1/me/", json={"email": "a@example.org", "password": WRONG}),
        "POST me/password/": lambda: caller.post(
            "/api/v1/me/password/", json={"old_password": WRONG, "new_password": NEW}
        ),
    }
    for what, call in calls.items():
        judged = _until_throttled(call().status_code for _ in range(GUESSES))
        require(judged <= FREE_GUESSES, f"{judged} guesses by {what}.")


def _membership(name: str):
    from portal.teams.models import Membership

    return Membership.objects.filter(team__name="Alpha", user__username=name).first()


@attack("9 invitations of a removed administrator")
def a_removed_administrator_comes_back(scene) -> None:
    """An administrator makes an invitation, is removed or demoted, and uses it."""
    for number, remove in enumerate((True, False)):
        name = f"norbert-{number}"
        scene.person(name, "admin")
        browser = scene.browser(name)
        made = scene.api(name).post("/api/v1/invitations/", json={"role": "admin", "days": 30})
        require_status(made, (201,))
        link = made.json()["link"].replace("http://localhost", scene.base)
        member, admin = _membership(name), scene.api("alpha-admin")
        if remove:
            require_status(admin.delete(f"/api/v1/members/{member.pk}/"), (204,))
        else:
            require_status(admin.patch(f"/api/v1/members/{member.pk}/", json={"role": "viewer"}), (200,))
        path = link[link.index("/invitations/") :]
        browser.post(path, {})
        now = _membership(name)
        require(now is None or now.role == "viewer", f"{name} is {now and now.role} again by their own link.")
        form = {"username": f"friend-{number}", "email": "", "password1": NEW, "password2": NEW}
        scene.stranger().post(path, form)
        require(_membership(f"friend-{number}") is None, "A stranger joined by a removed maker's link.")


def _set_password(scene, link: str) -> None:
    """Open a link for a new password as its holder would, and set one."""
    caller = scene.stranger()
    answer = caller.get(link[link.index("/password/new/") :])
    if answer.status_code == 302:
        form = caller.get(answer.headers["Location"])
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
        fields = {"new_password1": NEW, "new_password2": NEW}
        fields["csrfmiddlewaretoken"] = token.group(1) if token else ""
        caller.post(answer.headers["Location"], fields)


@attack("10 links for a new password")
def a_password_link_outlives_its_makers_right(scene) -> None:
    """An administrator makes a link for a colleague's password, is removed or demoted, and uses it."""
    from portal.teams.models import User

    for number, remove in enumerate((True, False)):
        maker, victim = f"olaf-{number}", f"paula-{number}"
        scene.person(maker, "admin")
        scene.person(victim, "member")
        made = scene.api(maker).post(f"/api/v1/members/{_membership(victim).pk}/reset-link/")
        require_status(made, (200,))
        address, admin = f"/api/v1/members/{_membership(maker).pk}/", scene.api("alpha-admin")
        gone = admin.delete(address) if remove else admin.patch(address, json={"role": "member"})
        require_status(gone, (200, 204))
        _set_password(scene, made.json()["link"])
        held = User.objects.get(username=victim).check_password(PASSWORD)
        require(held, f"{maker}, {'removed' if remove else 'demoted'}, set the password of {victim}.")


@attack("16 tokens after a change of password")
def tokens_survive_a_new_password_unasked(scene) -> None:
    """Change a password: the page must offer to revoke the tokens, and the choice must take effect."""
    scene.person("quentin", "member")
    browser, token = scene.browser("quentin"), scene.api("quentin")
    page = browser.get("/password/").text
    box = re.search(r'<input[^>]*type="checkbox"[^>]*name="([^"]*token[^"]*)"', page) or re.search(
        r'<input[^>]*name="([^"]*token[^"]*)"[^>]*type="checkbox"', page.replace("csrfmiddlewaretoken", "")
    )
    require(box, "The page for a new password does not offer to revoke tokens.")
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, box.group(1): "on"}
    require_status(browser.post("/password/", form), (302,))
    require(token.get("/api/v1/runs/").status_code == 401, "The token works after it was to be revoked.")


@attack("16 forms of other sites")
def forms_of_other_sites_with_a_remembered_password(scene) -> None:
    """POST as a browser does for a page of another site, with the password that it remembers."""
    from portal.datasets.models import Dataset
    from portal.teams.models import Invitation

    before = Dataset.objects.count(), Invitation.objects.count()
    foreign = [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Referer": "https://evil.example/trap"},
    ]  # fmt: skip
    for headers in foreign:
        caller = scene.stranger()
        caller.auth = ("alpha-admin", PASSWORD)
        caller.post("/api/v1/datasets/samples/digits/", headers=headers)
        caller.post("/api/v1/invitations/", data={"role": "admin"}, headers=headers)
        text = headers | {"Content-Type": "text/plain"}
        caller.post("/api/v1/invitations/", data='{"role": "admin"}', headers=text)
    after = Dataset.objects.count(), Invitation.objects.count()
    require(before == after, f"Another site's form made datasets and invitations: {before} to {after}.")


@attack("16 another's upload")
def a_member_deletes_anothers_upload(scene) -> None:
    """Discard a colleague's unfinished upload by DELETE, and by the protocol's override."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000", "Upload-Metadata": "filename YS56aXA="}
    made = scene.api("alpha-admin").post("/api/v1/uploads/", headers=headers)
    require_status(made, (201,))
    path, member = made.headers["Location"], scene.api("alpha-member")
    member.delete(path, headers={"Tus-Resumable": "1.0.0"})
    member.post(path, headers={"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": "DELETE"})
    still = scene.api("alpha-admin").head(path, headers={"Tus-Resumable": "1.0.0"})
    require(still.status_code == 200, f"The upload is gone: status {still.status_code}.")
