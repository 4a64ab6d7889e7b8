"""No page shows a key of ours, such as ``pp_lcnet_x1_0`` or ``run.create``, where people read a title."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from portal import tasks
from portal.core import configs
from portal.jobs import kinds
from portal.jobs.models import Status
from portal.tasks import Stage
from portal.teams import audit_verbs
from portal.teams.models import AuditEntry, Membership, Role, Via
from tests import test_authorization_matrix as matrix

pytestmark = pytest.mark.django_db
# What a page shows as it is: programs, tools' output, what people wrote.
NOT_READ = {"script", "style", "code", "pre", "textarea"}
TEXT_ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "data-label", "data-title"}


class Reader(HTMLParser):
    """Collects the texts of a page, each as one piece, and those of ``code`` by themselves."""

    def __init__(self):
        super().__init__()
        self.texts, self.codes, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.texts += [value or "" for name, value in attrs if name in TEXT_ATTRIBUTES]
        if tag in NOT_READ:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            self.open.remove(tag)

    def handle_data(self, data):
        if not self.open:
            self.texts.append(data)
        elif self.open == ["code"]:
            self.codes.append(data)


# Keys that are words of the pages as well: a virtual board's badge, the name of a tool.
WORDS = {"virtual", "onnx"}


def keys() -> set[str]:
    books = (configs.recipes(), configs.presets(), configs.chips(), configs.boards(), configs.augmentations())
    words = {*Role.values, *Status.values, *Stage.values, *tasks.TASKS, *audit_verbs.WORDS}
    kinds_of_job = {kind.name for kind in kinds.all_kinds()}
    return (words | kinds_of_job).union(*books) - WORDS


def raw_keys(html: str) -> set[str]:
    """Texts that are nothing but a key, and keys inside of sentences that cannot be words."""
    reader, all_keys = Reader(), keys()
    reader.feed(html)
    alone = {text.strip() for text in [*reader.texts, *reader.codes]} & all_keys
    strange = "|".join(re.escape(key) for key in all_keys if re.search(r"[_.\d]", key))
    inside = re.compile(rf"(?<![\w./-])(?:{strange})(?![\w/-]|\.\w)")
    return alone | {found for text in reader.texts for found in inside.findall(text)}


@pytest.fixture
def rows(team, alice, monkeypatch):
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)
    found = matrix.make_rows(team, alice)
    for verb in audit_verbs.WORDS:
        AuditEntry.objects.create(team=team, actor=alice, actor_name="alice", verb=verb, via=Via.PAGE)
    return found


def addresses(rows) -> dict[str, str]:
    templates = matrix.pages()
    names = sorted(key.split()[1] for key in matrix.PAGES if key.startswith("GET "))
    both = f"?ids={rows['done'].pk}&ids={rows['failed'].pk}"
    more = {name: reverse("run-detail", args=[rows[name].pk]) for name in ("running", "failed")}
    return {name: "/" + templates[name].format(**matrix.page_values(rows, name)) for name in names} | {
        "comparison": reverse("run-compare") + both,
        "calls in the audit": reverse("audit-list") + "?calls=on",
        "lost device": reverse("device-detail", args=[rows["lost"].pk]),
        **more,
    }


def test_no_page_shows_a_key_of_ours(rows, alice):
    client, found = Client(), {}
    client.force_login(alice)
    for name, address in addresses(rows).items():
        answer = client.get(address)
        if answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/html"):
            seen = raw_keys(answer.content.decode())
            if seen:
                found[name] = seen
    assert found == {}, "\n".join(f"{name}: {seen}" for name, seen in found.items())


def test_keys_are_found_where_people_read():
    assert raw_keys("<p>int8 · rv1106</p><b title='run.create'>symbols</b>") == {
        "rv1106",
        "run.create",
        "symbols",
    }
    assert raw_keys("<p>Simple symbols of parts-rv1106.rknn</p><code>--chip rv1106</code>") == set()
