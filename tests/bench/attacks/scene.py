"""The stage of the attacks: a served portal, two teams with users of every role, and ways to act as them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.bench import processes
from tests.bench.serving import Portal

API = "/api/v1/"
PASSWORD = "violet-harbour-crane-81"
TEAMS = ("alpha", "beta")
SCOPES = ["read", "datasets", "runs", "deploy", "admin"]
TIMEOUT = 60  # seconds until a call counts as hanging
# Attackers come from here and the watcher from 127.0.0.1: a limit by address must not punish the wrong one.
ATTACKER = "127.0.0.2"


@dataclass(frozen=True)
class Person:
    name: str
    team: str
    token: str


class Caller(requests.Session):
    """Calls the portal as one person, from an address of its own. Answers of any status are returned."""

    _numbers = count(1)

    def __init__(self, base: str, address: str = ""):
        super().__init__()
        self.base = base
        number = next(self._numbers)
        self.headers["X-Forwarded-For"] = address or f"198.51.{100 + number // 250}.{1 + number % 250}"
        self.trust_env = False

    def request(self, method, url, **options):
        options.setdefault("timeout", TIMEOUT)
        options.setdefault("allow_redirects", False)
        return super().request(method, url if "://" in url else self.base + url, **options)


class Scene:
    """``people`` holds ``alpha-viewer`` to ``beta-admin`` and a second administrator of alpha."""

    def __init__(self, portal: Portal):
        self.portal = portal
        self.base, self.var = portal.base, portal.var
        self.people: dict[str, Person] = {}
        self.pretrained = Path(portal.settings["PRETRAINED_DIR"])

    # --- people -------------------------------------------------------------------------------

    def populate(self) -> None:
        from portal.teams import tokens
        from portal.teams.models import Membership, Role, Team, User

        for name in TEAMS:
            team = Team.objects.create(name=name.title())
            for role in (*Role.values, "second-admin"):
                user = User.objects.create_user(f"{name}-{role}", f"{name}-{role}@example.org", PASSWORD)
                Membership.objects.create(team=team, user=user, role=role.removeprefix("second-"))
                _, secret = tokens.make(team, user, "bench", SCOPES, 1)
                self.people[user.username] = Person(user.username, name, secret)

    def person(self, name: str, role: str) -> Person:
        """A new person of a team, for an attack that leaves its mark on them. Raises IntegrityError."""
        from portal.teams import tokens
        from portal.teams.models import Membership, Team, User

        team = Team.objects.get(name="Alpha")
        user = User.objects.create_user(name, f"{name}@example.org", PASSWORD)
        Membership.objects.create(team=team, user=user, role=role)
        _, secret = tokens.make(team, user, "bench", SCOPES, 1)
        self.people[name] = Person(name, "alpha", secret)
        return self.people[name]

    def api(self, name: str, address: str = "") -> Caller:
        """Calls with the person's token."""
        caller = Caller(self.base, address)
        caller.headers["Authorization"] = f"Bearer {self.people[name].token}"
        return caller

    def browser(self, name: str, language: str = "", address: str = "") -> Caller:
        """Signs the person in by the page; POSTs carry what the forms of our pages carry."""
        caller = Caller(self.base, address)
        caller.get("/sign-in/")
        form = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": caller.cookies["csrftoken"]}
        answer = caller.post("/sign-in/", form, headers={"Referer": self.base})
        require_status(answer, (302,))
        caller.headers["Referer"] = self.base
        caller.headers["X-CSRFToken"] = caller.cookies["csrftoken"]
        if language:
            caller.post("/language/", {"language": language})
        return caller

    def stranger(self, address: str = "") -> Caller:
        return Caller(self.base, address)

    # --- raw sockets --------------------------------------------------------------------------

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.base)
        return parts.hostname, parts.port

    def connect(self, timeout: float = 10) -> socket.socket:
        return socket.create_connection(self.address, timeout, source_address=(ATTACKER, 0))

    # --- what the portal is like --------------------------------------------------------------

    def megabytes(self, *words: str) -> float:
        """The memory of the portal's processes, or of those whose argument list holds ``words``."""
        found = processes.all_of_portal(self.var)
        return processes.pss_mb(pid for pid, one in found.items() if all(word in one.said for word in words))

    def bytes_in(self, *folders: str) -> int:
        total = 0
        for folder in folders:
            for path in (self.var / folder).rglob("*"):
                with contextlib.suppress(OSError):
                    total += path.stat().st_size
        return total

    def quickest(self, tries: int = 3) -> float:
        """The seconds that a stranger waits for the sign-in page: the best of some tries, 60 for none."""
        found = [float(TIMEOUT)]
        for _ in range(tries):
            began = time.monotonic()
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.base}/sign-in/", timeout=TIMEOUT).status_code == 200:
                    found.append(time.monotonic() - began)
        return min(found)


def require_status(answer: requests.Response, statuses: tuple[int, ...]) -> None:
    from tests.bench.attacks import require

    path = urlsplit(answer.url).path
    words = f"{answer.request.method} {path}: status {answer.status_code} {answer.text[:200]}"
    require(answer.status_code in statuses, words)


def wait_for(condition: Callable[[], object], seconds: float, pause: float = 0.5) -> object:
    """Return the first true value of ``condition``, or its last value after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return found


def connect_database(portal: Portal) -> None:
    """Let this process read and write the rows of the served portal."""
    os.environ.update(SLIPWAY_VAR=str(portal.var), DJANGO_SETTINGS_MODULE="portal.settings")
    os.environ["LOG_LEVEL"] = "WARNING"
    import django

    django.setup()


def problem(answer: requests.Response) -> str:
    """The sentence of a refusal, cut short."""
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(answer.text).get("detail", ""))[:200]
    return answer.text[:200]
