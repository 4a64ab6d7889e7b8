"""Jobs for boards at a site wait for workers that serve it, and say so where nobody does."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from celery import Celery
from django.utils import timezone

from portal import env
from portal.jobs import forecast, hosts, scheduler, services, sites
from portal.jobs.models import Job, Status, Worker
from portal.teams import quotas
from portal.teams.models import Quota
from tests.seed import Seeder


@pytest.fixture
def seed(team, alice):
    return Seeder(team, alice)


def a_worker(*queues, **fields):
    now = timezone.now()
    fields = {"name": f"w@{'-'.join(queues)}", "host": "h", "started_at": now, "seen_at": now, **fields}
    return Worker.objects.create(queues=list(queues), **fields)


def set_up(settings, queues, served):
    app = Celery()
    app.amqp.queues.select(queues)
    settings.SITES = served
    sites.on_set_up(instance=SimpleNamespace(app=app))
    return sorted(app.amqp.queues.consume_from)


def test_a_worker_takes_the_queues_of_its_sites_in_place_of_those_that_lead_to_boards(settings):
    assert set_up(settings, ["deploy", "camera"], []) == ["camera", "deploy"]
    assert set_up(settings, ["deploy", "errands", "train"], ["harbour"]) == [
        "deploy.harbour",
        "errands.harbour",
        "train",
    ]
    assert set_up(settings, ["deploy"], ["none", "harbour"]) == ["deploy", "deploy.harbour"]


@pytest.mark.parametrize("name", ["Harbour", "a b", "a.b", "-a", "x" * 31, "hafen,Ü"])
def test_a_bad_name_in_the_setting_is_refused_with_a_sentence(monkeypatch, name):
    monkeypatch.setenv("SITES", name)
    with pytest.raises(env.SettingError, match="SITES must be names such as harbour"):
        env.slugs("SITES")


def test_only_a_worker_that_is_heard_of_and_goes_on_serves_a_site(db):
    long_ago = timezone.now() - timedelta(minutes=5)
    a_worker("deploy.depot", seen_at=long_ago)
    a_worker("deploy.quay", is_stopping=True)
    a_worker("deploy.harbour")
    asked = ["deploy", "deploy.harbour", "deploy.depot", "deploy.quay", "camera.harbour"]
    assert sites.unserved(asked) == {"deploy.depot", "deploy.quay", "camera.harbour"}
    assert sites.problem_of("deploy.harbour") == "" == sites.problem_of("deploy")
    assert sites.problem_of("camera.harbour") == (
        "No worker serves the site harbour: start one there with SITES=harbour for the queue camera."
    )


def test_without_a_site_nobody_is_asked(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert sites.unserved(["deploy", "train"]) == set()


def test_a_job_of_a_site_is_claimed_by_its_workers_only(seed, team, alice):
    there = services.submit("probe", team, alice, site="harbour")
    here = services.submit("probe", team, alice)
    assert (there.queue, here.queue) == ("deploy.harbour", "deploy")
    assert scheduler.claim_next("deploy", "w:1:a") == here
    assert scheduler.claim_next("deploy", "w:1:b") is None
    assert scheduler.claim_next("deploy.harbour", "h:1:c") == there


def test_a_teams_quota_is_for_all_sites_together_and_its_slots_for_each(team, alice, settings):
    settings.TEAM_SLOTS = {"deploy": 1}
    for site in ("", "", "harbour", "harbour"):
        services.submit("probe", team, alice, site=site)
    assert scheduler.claim_next("deploy", "w:1:a") and scheduler.claim_next("deploy.harbour", "w:1:b")
    assert scheduler.claim_next("deploy.harbour", "w:1:c") is None
    assert scheduler.counts(team).running == {"deploy": 2}
    Job.objects.filter(queue="deploy.harbour", status=Status.RUNNING).update(status=Status.SUCCEEDED)
    quotas.set_quota(team, Quota.By.TEAM, {"running_deploy": 1})
    assert scheduler.claim_next("deploy.harbour", "w:1:d") is None
    Job.objects.filter(queue="deploy", status=Status.RUNNING).update(status=Status.SUCCEEDED)
    assert scheduler.claim_next("deploy.harbour", "w:1:e")


def test_the_place_in_the_queue_says_that_nobody_serves_the_site(team, alice):
    job = services.submit("probe", team, alice, site="harbour")
    place = forecast.place_of([job])[job.pk]
    assert (place.waits_for, place.starts_in) == ("site", None)
    assert "No worker serves the site harbour" in place.problem
    a_worker("deploy.harbour")
    place = forecast.place_of([job])[job.pk]
    assert (place.waits_for, place.problem) == ("turn", "")


def test_page_and_api_tell_it_and_keep_it_from_other_teams(alices, client, charlie, team, alice):
    job = services.submit("probe", team, alice, site="harbour")
    sentence = "No worker serves the site harbour"
    assert sentence in alices.get(f"/jobs/{job.pk}/").content.decode()
    page = alices.get("/jobs/").content.decode()
    assert "Boards at the site harbour" in page and sentence in page
    assert sentence in alices.get(f"/api/v1/jobs/{job.pk}/").json()["problem"]
    queue = next(one for one in alices.get("/api/v1/queue/").json() if one["site"] == "harbour")
    assert sentence in queue["problem"] and queue["waiting"][0]["waits_for"] == "site"
    client.force_login(charlie)
    assert "harbour" not in client.get("/jobs/").content.decode()
    assert all(one["site"] == "" for one in client.get("/api/v1/queue/").json())


def test_many_waiting_jobs_cost_one_query_more(alices, team, alice, django_assert_max_num_queries):
    services.submit("probe", team, alice, site="harbour")
    alices.get("/api/v1/jobs/")
    with django_assert_max_num_queries(20) as first:
        alices.get("/api/v1/jobs/")
    for _ in range(5):
        services.submit("probe", team, alice, site="harbour")
    with django_assert_max_num_queries(len(first)):
        assert len(alices.get("/api/v1/jobs/").json()["results"]) == 6


def test_jobs_are_filtered_by_queue_with_its_sites_and_by_site(alices, team, alice):
    here, there = services.submit("probe", team, alice), services.submit("probe", team, alice, site="harbour")

    def found(**query):
        return {row["id"] for row in alices.get("/api/v1/jobs/", query).json()["results"]}

    assert found(queue="deploy") == {here.pk, there.pk}
    assert found(site="harbour") == {there.pk}
    assert found(queue="train") == found(site="depot") == set()


def test_the_page_of_hosts_says_which_sites_each_serves(alices, alice):
    a_worker("deploy.harbour", "camera.harbour", "deploy.depot", name="site@h")
    assert hosts.hosts()[0].workers[0]["sites"] == ["depot", "harbour"]
    alice.is_superuser = True
    alice.save()
    assert "serves the sites depot, harbour" in alices.get("/jobs/hosts/").content.decode()
