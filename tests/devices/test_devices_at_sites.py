"""A board at a site is reached by the workers there alone, and nothing pretends otherwise."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.core import asking
from portal.devices import services, shownkey, sitekey, tasks, watch
from portal.devices.errors import Unreachable
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status, Worker
from portal.teams.models import AuditEntry
from tests.seed import KEY, Seeder

pytestmark = pytest.mark.django_db
NEW = {
    "name": "Crane", "profile": "lockzhiner-vision-module", "host": "10.1.1.144", "port": 22,
    "username": "root", "password": "secret",
}  # fmt: skip
UNSERVED = "No worker serves the site harbour"


@pytest.fixture
def seed(team, alice):
    return Seeder(team, alice)


@pytest.fixture(autouse=True)
def places(monkeypatch):
    monkeypatch.setattr(shownkey, "places", shownkey.Places())


@pytest.fixture
def served(db):
    now = timezone.now()
    queues = ["deploy.harbour", "camera.harbour", "errands.harbour"]
    return Worker.objects.create(name="site@h", host="h", queues=queues, started_at=now, seen_at=now)


@pytest.fixture
def asked(monkeypatch):
    """What workers of sites are asked; they find KEY."""
    calls = []

    def ask(task, args, queue, seconds):
        calls.append((task, args, queue))
        return {"key": KEY}

    monkeypatch.setattr(asking, "ask", ask)
    return calls


def test_a_board_at_a_site_is_registered_by_the_key_that_a_worker_there_reads(alices, served, asked):
    answer = alices.post("/api/v1/devices/", NEW | {"site": "harbour"}, "application/json")
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert (row["site"], row["site_problem"], row["host_key"]) == ("harbour", "", KEY)
    assert asked == [("portal.devices.tasks.read_host_key", ["10.1.1.144", 22, None], "errands.harbour")]
    assert row["probe_job"]["queue"] == "deploy.harbour" and row["probe_job"]["problem"] == ""
    assert "at harbour" in AuditEntry.objects.get(verb="device.create").detail


def test_without_a_worker_there_registration_says_so_by_page_and_api(alices, asked):
    answer = alices.post("/api/v1/devices/", NEW | {"site": "harbour"}, "application/json")
    assert answer.status_code == 400 and UNSERVED in answer.json()["errors"]["host"][0]
    page = alices.post(reverse("device-new"), NEW | {"site": "harbour"})
    assert page.status_code == 422 and UNSERVED in page.content.decode()
    assert asked == [] and not Device.objects.exists()


def test_a_device_whose_site_no_worker_serves_does_not_pass_for_reachable(alices, seed):
    device = seed.device(site="harbour", probe_job=None, seen_at=timezone.now())
    pages = [reverse("device-list"), reverse("home"), reverse("device-detail", args=[device.pk])]
    shown = [alices.get(page).content.decode() for page in pages]
    assert all("No worker at its site" in page and "Reachable" not in page for page in shown)
    assert UNSERVED in shown[-1]
    Worker.objects.create(
        name="w@h", host="h", queues=["deploy.harbour"], started_at=timezone.now(), seen_at=timezone.now()
    )
    assert all("Reachable" in alices.get(page).content.decode() for page in pages)


@pytest.mark.parametrize("site", ["Harbour", "a b", "a.b", "none", "x" * 31, "-"])
def test_a_bad_name_is_refused_at_its_field(alices, seed, site):
    url = f"/api/v1/devices/{seed.device().pk}/"
    answer = alices.patch(url, {"site": site}, "application/json")
    assert answer.status_code == 400 and list(answer.json()["errors"]) == ["site"]
    page = alices.post(reverse("device-new"), NEW | {"site": site})
    assert page.status_code == 422 and "site" in page.context["form"].errors


def test_every_errand_of_the_board_goes_to_its_site(seed, alice):
    device = seed.device(site="harbour", probe_job=None)
    assert services.start_probe(device, alice).queue == "deploy.harbour"
    assert device.lane == {"resource": "board 10.1.1.144:22 at harbour", "site": "harbour"}
    job = jobs.submit("live", device.team, alice, **device.lane)
    assert job.queue == "camera.harbour"


def test_the_same_address_at_two_sites_is_two_boards(seed, team, alice):
    boards = [seed.device(f"B {site}", site=site) for site in ("", "harbour", "depot")]
    queued = [jobs.submit("probe", team, alice, **board.lane) for board in boards]
    claims = [Device.objects.claim(board.pk, job) for board, job in zip(boards, queued, strict=True)]
    assert claims == [True, True, True]
    assert len({board.resource for board in boards}) == 3


def test_waiting_jobs_follow_a_board_to_another_site(alices, seed, alice, served):
    device = seed.device(site="depot", probe_job=None)
    job = services.start_probe(device, alice)
    running = seed.job("infer", "deploy.depot", Status.RUNNING, resource=device.resource)
    answer = alices.patch(f"/api/v1/devices/{device.pk}/", {"site": "harbour"}, "application/json")
    assert answer.status_code == 200 and answer.json()["site"] == "harbour"
    job.refresh_from_db()
    running.refresh_from_db()
    assert (job.queue, running.queue) == ("deploy.harbour", "deploy.depot")
    assert job.resource == "board 10.1.1.144:22 at harbour"
    assert "site" in AuditEntry.objects.get(verb="device.edit").detail


def test_a_retry_goes_where_the_board_is_now(seed, alice):
    device = seed.device(site="depot", probe_job=None)
    job = services.start_probe(device, alice)
    jobs.cancel(job, by="alice")
    Device.objects.filter(pk=device.pk).update(site="")
    assert jobs.retry(Job.objects.get(pk=job.pk)).queue == "deploy"


def test_the_page_of_the_board_says_that_nobody_serves_its_site(alices, seed):
    device = seed.device(site="harbour")
    url = reverse("device-detail", args=[device.pk])
    page = alices.get(url).content.decode()
    assert "at the site harbour" in page and UNSERVED in page
    assert UNSERVED in alices.get(f"/api/v1/devices/{device.pk}/").json()["site_problem"]


def test_a_served_board_has_no_warning(alices, seed, served):
    page = alices.get(reverse("device-detail", args=[seed.device(site="harbour").pk])).content.decode()
    assert "at the site harbour" in page and UNSERVED not in page


def test_the_list_is_filtered_by_site(alices, seed):
    seed.device("East", site="harbour"), seed.device("West")
    found = alices.get("/api/v1/devices/", {"site": "harbour"}).json()["results"]
    assert [row["name"] for row in found] == ["East"]
    page = alices.get(reverse("device-list"), {"site": "harbour"}).content.decode()
    assert "East" in page and ">West<" not in page and "Devices at the site harbour." in page
    empty = alices.get(reverse("device-list"), {"site": "depot"}).content.decode()
    assert "No device is at this site." in empty


def test_viewers_and_strangers_move_no_board(client, bob, charlie, seed):
    url = f"/api/v1/devices/{seed.device().pk}/"
    for person, status in ((bob, 403), (charlie, 404)):
        client.force_login(person)
        assert client.patch(url, {"site": "harbour"}, "application/json").status_code == status


def test_the_live_page_says_what_it_waits_for(alices, seed):
    device = seed.device(site="harbour", probe_job=None)
    state = alices.post(reverse("camera-stream-start", args=[device.pk])).json()
    assert state["active"] and UNSERVED in state["sentence"]


# --- the host key, and the checks


def test_the_workers_answer_reaches_whoever_asked(monkeypatch):
    told = {}
    monkeypatch.setattr(asking, "answer", lambda name, value: told.update({name: value}))
    monkeypatch.setattr(sitekey, "fetch_host_key", lambda host, port, timeout: HostKey.parse(KEY))
    tasks.read_host_key("list", "10.1.1.144", 22, None)
    assert told == {"list": {"key": KEY}}

    def silent(host, port, timeout):
        raise Unreachable("Nobody is there.")

    monkeypatch.setattr(sitekey, "fetch_host_key", silent)
    assert sitekey.read("10.1.1.144", 22, None) == {"problem": "Nobody is there."}
    assert "jump host was removed" in sitekey.read("10.1.1.144", 22, 7)["problem"]


@pytest.mark.parametrize("answer, words", [(None, "gave no answer in time"), ({"problem": "No."}, "No.")])
def test_what_a_site_cannot_say_is_an_error_in_a_sentence(monkeypatch, answer, words):
    monkeypatch.setattr(asking, "ask", lambda *args: answer)
    with pytest.raises(services.BoardError, match=words):
        sitekey.ask("harbour", "10.1.1.144", 22)


def test_the_checks_of_a_site_are_left_to_its_workers(seed, served, monkeypatch):
    long_ago = timezone.now() - timedelta(hours=2)
    for site in ("", "harbour", "depot"):
        seed.device(f"B {site}", site=site, seen_at=long_ago, probe_job=None)
    sent, looked = [], []
    monkeypatch.setattr(tasks.broker, "send", lambda *args, **more: sent.append(args))
    monkeypatch.setattr(watch, "_check_and_report", lambda device: looked.append(device.site) or (None, None))
    tasks.watch()
    assert looked == [""]
    assert sent == [("portal.devices.tasks.watch", ["harbour"], "errands.harbour", 60.0)]
    tasks.watch("harbour")
    assert looked == ["", "harbour"]


class Broker:
    """What ``asking`` uses of Redis: lists that expire."""

    def __init__(self):
        self.lists, self.expiries = {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass

    def pipeline(self):
        return self

    def rpush(self, name, value):
        self.lists.setdefault(name, []).append(value.encode())

    def expire(self, name, seconds):
        self.expiries[name] = seconds

    def execute(self):
        pass

    def blpop(self, names, timeout):
        found = self.lists.pop(names[0], None)
        return (names[0], found[0]) if found else None


def test_a_question_gets_its_own_answer_or_none_in_time(monkeypatch):
    broker, answers = Broker(), [{"key": KEY}]
    monkeypatch.setattr(asking.redis.Redis, "from_url", lambda *args, **more: broker)

    def send(task, args, queue, expires):
        if answers:
            asking.answer(args[0], answers.pop())
        return True

    monkeypatch.setattr(asking.broker, "send", send)
    assert asking.ask("task", ["x"], "errands.harbour", 1.0) == {"key": KEY}
    assert asking.ask("task", ["x"], "errands.harbour", 1.0) is None
    assert set(broker.expiries.values()) == {60}
    monkeypatch.setattr(asking.broker, "send", lambda *args, **more: False)
    assert asking.ask("task", [], "errands.harbour", 1.0) is None
