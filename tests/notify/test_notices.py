"""Who is told of what in the portal and by mail, the bell, and the choices."""

import pytest
from django.core import mail
from django.urls import reverse
from rest_framework.test import APIClient

from portal.jobs import endings
from portal.jobs.models import ErrorKind, Status
from portal.notify import mails, services
from portal.notify.models import Choice, Notification
from portal.runs import pipeline

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(seed):
    return seed.run(seed.version(), message="It broke: mend it.")


@pytest.fixture
def mailer(settings, alice, bob):
    settings.EMAIL_HOST = "mail.example.org"
    for person in (alice, bob):
        person.email = f"{person}@example.org"
        person.save()


def told(event=None):
    rows = Notification.objects.filter(shown=True)
    rows = rows.filter(event=event) if event else rows
    return sorted(rows.values_list("user__username", flat=True))


def text(client, url):
    return " ".join(client.get(url).content.decode().split())


def test_a_run_is_told_to_whom_it_belongs_and_a_lost_device_to_the_team(run, seed, charlie):
    services.emit("run.failed", run.team, run)
    assert told() == ["alice"]
    services.emit("device.lost", run.team, seed.device(problem="It is gone: look for it."))
    assert told("device.lost") == ["alice", "bob"], "and nobody of another team"


def test_each_person_chooses_for_each_event(run, alice, bob):
    services.choose(alice, {"run.failed": ("nothing", "nothing")})
    services.choose(bob, {"run.failed": ("all", "nothing")})
    services.emit("run.failed", run.team, run)
    assert told() == ["bob"]


def test_a_mail_goes_to_those_who_asked_for_it_in_words(run, alice, bob, mailer):
    services.choose(alice, {"run.failed": ("nothing", "mine")})
    services.emit("run.failed", run.team, run)
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.org"]
    assert f"The run {run.name} has failed: It broke: mend it." in sent.body
    assert f"http://127.0.0.1:8000/runs/{run.pk}/" in sent.body and "\n" not in sent.subject
    assert Notification.objects.get().mail == "sent" and told() == [], "by mail only"
    mails.send_pending()
    assert len(mail.outbox) == 1


def test_without_a_mail_server_or_an_address_nothing_is_even_tried(run, alice, settings):
    services.choose(alice, {"run.failed": ("mine", "mine")})
    services.emit("run.failed", run.team, run)
    settings.EMAIL_HOST = "mail.example.org"
    services.emit("run.failed", run.team, run)
    assert mail.outbox == [] and set(Notification.objects.values_list("mail", flat=True)) == {""}


def test_a_mail_server_that_refuses_is_logged_tried_again_and_given_up(
    run, alice, mailer, monkeypatch, caplog
):
    def refuse(self):
        raise OSError("no route")

    monkeypatch.setattr(mails.EmailMessage, "send", refuse)
    services.choose(alice, {"run.failed": ("mine", "mine")})
    services.emit("run.failed", run.team, run)
    assert "was not sent: no route" in caplog.text and told() == ["alice"]
    for _ in range(mails.TRIES):
        mails.send_pending()
    row = Notification.objects.get()
    assert (row.mail, row.mail_tries) == ("failed", mails.TRIES)


def test_a_line_break_in_a_name_makes_no_header(run, alice, mailer):
    run.name = "Evil\r\nBcc: everybody@example.org"
    services.choose(alice, {"run.failed": ("nothing", "all")})
    services.emit("run.failed", run.team, run)
    assert "\n" not in mail.outbox[0].subject


# --- where events come from --------------------------------------------------------------------


def test_the_end_of_a_run_is_told_once(seed, run_jobs):
    run = seed.run(seed.version(), status=Status.RUNNING)
    seed.train(run)
    for _ in range(2):
        pipeline.advance(run)
    assert told("run.finished") == ["alice"]


def test_a_failed_deployment_is_told_and_its_run_as_well(seed, team, alice):
    run = seed.run(seed.version(), status=Status.RUNNING)
    seed.train(run)
    deployment = seed.deploy(run, seed.convert(run), seed.device(), Status.FAILED, error_kind=ErrorKind.INPUT,
                             message="The board has no room: delete files.")  # fmt: skip
    endings.follow_up(deployment.job)
    assert told("deployment.failed") == ["alice", "bob"] and told("run.failed") == ["alice"]


def test_a_cancelled_run_is_nothing_to_tell(seed):
    run = seed.run(seed.version(), status=Status.RUNNING)
    seed.train(run, Status.CANCELLED)
    pipeline.advance(run)
    assert told() == []


# --- pages and endpoints -----------------------------------------------------------------------


def test_the_bell_counts_what_is_unread_in_this_team(alices, run):
    assert "Notices: 0 unread" in text(alices, reverse("home"))
    services.emit("run.failed", run.team, run)
    assert "Notices: 1 unread" in text(alices, reverse("home"))
    page = text(alices, reverse("notification-list"))
    assert f"The run {run.name} has failed: It broke: mend it." in page


def test_opening_one_marks_it_and_goes_to_its_page(alices, run):
    services.emit("run.failed", run.team, run)
    row = Notification.objects.get()
    answer = alices.post(reverse("notification-open", args=[row.pk]))
    assert answer["Location"] == reverse("run-detail", args=[run.pk])
    assert "Notices: 0 unread" in text(alices, reverse("home"))
    assert "Nothing unread" in text(alices, reverse("notification-list") + "?unread=yes")


def test_nobody_reads_or_marks_what_another_was_told(client, alices, bob, run):
    services.emit("run.failed", run.team, run)
    row = Notification.objects.get()
    client.force_login(bob)
    assert run.name not in text(client, reverse("notification-list"))
    assert client.post(reverse("notification-open", args=[row.pk])).status_code == 404
    client.post(reverse("notification-read-all"))
    row.refresh_from_db()
    assert row.read_at is None


def test_names_are_escaped(alices, run):
    run.name = "<script>alert(1)</script>"
    services.emit("run.failed", run.team, run)
    assert "<script>alert" not in text(alices, reverse("notification-list"))


def test_choices_are_kept_and_a_viewer_is_not_asked_about_webhooks(alices, alice):
    page = alices.get(reverse("notification-choices"))
    form = page.context["form"]
    assert "webhook.stopped" not in page.content.decode() and "webhook-stopped-mail" not in form.fields
    data = {name: "nothing" for name in form.fields} | {"run-failed-mail": "all"}
    assert alices.post(reverse("notification-choices"), data).status_code == 302
    assert services.choices_of(alice)["run.failed"] == ("nothing", "all")
    data["run-failed-mail"] = "sometimes"
    assert alices.post(reverse("notification-choices"), data).status_code == 422


def test_the_endpoints_do_the_same(alice, bob, run):
    services.emit("run.failed", run.team, run)
    client = APIClient()
    client.force_authenticate(alice)
    (row,) = client.get("/api/v1/notifications/?unread=yes").json()["results"]
    assert row["sentence"].startswith("The run ") and row["path"] == f"/runs/{run.pk}/"
    assert client.post(f"/api/v1/notifications/{row['id']}/read/").json()["read_at"]
    assert client.post("/api/v1/notifications/read-all/").json() == {"marked": 0}
    body = [{"event": "run.failed", "portal": "nothing", "mail": "nothing"}]
    assert client.put("/api/v1/notification-choices/", body, format="json").status_code == 200
    assert Choice.objects.get(user=alice).portal == "nothing"
    body[0]["event"] = "moon.full"
    assert client.put("/api/v1/notification-choices/", body, format="json").status_code == 400
    client.force_authenticate(bob)
    assert client.get("/api/v1/notifications/").json()["results"] == []
    assert client.post(f"/api/v1/notifications/{row['id']}/read/").status_code == 404
