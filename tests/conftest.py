"""Alice owns it, Bob is a colleague who may only look, Charlie is of another team."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from django.conf import settings

from portal.teams.models import Membership, Role, Team, User
from tests import factories
from tests.seed import Seeder

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery"


def pytest_configure():
    """A shell lets what runs in its background ignore Ctrl-C, and programs that tests start would as well."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers():
    """Half as many again as processors: many tests wait for programs, boards and browsers."""
    return max(2, 3 * len(os.sched_getaffinity(0)) // 2)


def pytest_collection_modifyitems(items):
    """Skip by name what this machine cannot run, and say why; SLIPWAY_NO_SKIPS turns that into a failure."""
    _put_slow_files_first(items)
    lacking = {
        "toolchain": _lacks_toolchain(),
        "ssh": _lacks_convert(),
        "browser": _lacks_browser(),
        "generators": _lacks_generators(),
    }
    if os.environ.get("SLIPWAY_NO_SKIPS"):
        missing = [reason for reason in lacking.values() if reason]
        if missing:
            raise pytest.UsageError("Nothing may be skipped here, and " + "; ".join(missing))
        _try_twice(items)
        return
    for item in items:
        for name, reason in lacking.items():
            if reason and item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))


def _put_slow_files_first(items) -> None:
    """A slow file that begins last would keep one processor busy while the others wait."""
    slow = ["toolchain", "generators", "fuzz", "browser", "ssh"]  # the slowest first
    ranks = {}
    for item in items:
        own = [slow.index(mark.name) for mark in item.iter_markers() if mark.name in slow]
        ranks[item.path] = min([*own, ranks.get(item.path, len(slow))])
    items.sort(key=lambda item: ranks[item.path])


def _try_twice(items) -> None:
    """What drives other programs on a busy machine gets a second try; the summary names what needed it."""
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("ssh"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def _lacks_convert() -> str:
    if Path(settings.CONVERT_PYTHON).exists():
        return ""
    return "the conversion environment is missing: run make setup"


def _lacks_toolchain() -> str:
    if not Path(settings.TRAIN_PYTHON).exists():
        return "the training environment is missing: run make setup"
    return _lacks_convert()


def _lacks_browser() -> str:
    return "" if shutil.which("chromium") else "chromium is not installed on this machine"


def _lacks_generators() -> str:
    if not (ROOT / ".tools" / "bin" / "uv").exists() or not shutil.which("npm"):
        return "uv or npm is missing: run make setup, and install npm"
    return ""


def _person(username: str, team: Team, role: str) -> User:
    user = User.objects.create_user(username, password=PASSWORD)
    Membership.objects.create(team=team, user=user, role=role)
    return user


def make_people():
    team, other = Team.objects.create(name="Harbour"), Team.objects.create(name="Elsewhere")
    return {
        "alice": _person("alice", team, Role.OPERATOR),
        "bob": _person("bob", team, Role.VIEWER),
        "charlie": _person("charlie", other, Role.ADMIN),
        "team": team,
    }


@pytest.fixture
def people(db):
    return make_people()


@pytest.fixture
def team(people):
    return people["team"]


@pytest.fixture
def alice(people):
    return people["alice"]


@pytest.fixture
def bob(people):
    return people["bob"]


@pytest.fixture
def bobs(client, bob):
    """A browser in which Bob is signed in."""
    client.force_login(bob)
    return client


@pytest.fixture
def charlie(people):
    return people["charlie"]


@pytest.fixture
def alices(client, alice):
    """Django's test client, signed in as Alice."""
    client.force_login(alice)
    return client


@pytest.fixture
def run_jobs(transactional_db):
    """Call it to run queued jobs to their end, as workers would."""
    return factories.run_queued_jobs


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A skip inside a test is a failure, too, where nothing may be skipped."""
    report = (yield).get_result()
    if os.environ.get("SLIPWAY_NO_SKIPS") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {report.longrepr}"


@pytest.fixture
def seed(team, alice):
    """Makes rows of Alice's team as real work leaves them."""
    return Seeder(team, alice)


@pytest.fixture
def mailed_here(monkeypatch):
    """No broker takes mails, if one runs or not: they are sent before the answer."""
    from kombu.exceptions import OperationalError

    def refuse(*_arguments, **_options):
        raise OperationalError("there is no broker")

    monkeypatch.setattr("portal.teams.tasks.send_password_links.apply_async", refuse)
