"""A team's policy decides which compiled models are deployed.

Alice owns it, Bob is a colleague who may only look, Charlie is of another team.
"""

import pytest
from rest_framework.test import APIClient

from portal.deployment import gate, policies, services
from portal.deployment.attempt import Attempt
from portal.deployment.gate import GateRefused, gate_of
from portal.deployment.models import Deployment, Policy
from portal.devices.errors import RemoteFailed
from portal.jobs import services as jobs
from portal.jobs.models import Status
from portal.models.models import Evaluation
from portal.runs import pipeline
from portal.runs.models import Run, Step
from portal.tasks import Stage
from portal.teams.models import AuditEntry, Membership, Role
from tests.graphs import deployments_of
from tests.seed import ENGINE, figures

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(seed) -> Run:
    run = seed.run(seed.version())
    seed.train(run)
    return run


@pytest.fixture
def compiled(seed, run):
    return seed.convert(run)


@pytest.fixture
def device(seed):
    return seed.device("Bench", "virtual")


@pytest.fixture
def admin(alice):
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)
    return alice


def policy(team, **limits) -> Policy:
    return policies.put(team, None, **{"task": "classification", **limits})[0]


def calling(person) -> APIClient:
    client = APIClient()
    client.force_authenticate(person)
    return client


def post(person, run, device, **more):
    body = {"run": run.pk, "device": device.pk, **more}
    return calling(person).post("/api/v1/deployments/", body, format="json")


def refused(compiled) -> list[str]:
    return [miss.limit for miss in gate_of(compiled).misses]


# --- the decision -----------------------------------------------------------------------------


def test_without_a_policy_everything_is_deployed(compiled):
    assert gate_of(compiled).passed and gate_of(compiled).as_data() == {"limits": {}, "misses": []}


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"max_drop": 0.001}, "lost 0.33 points of Top-1 on 308 validation images; 0.1 are allowed."),
        ({"fail_under": 0.99}, "Top-1 is 98.7 % on 308 validation images; at least 99 % is required."),
        ({"fail_class_under": 0.99}, "class scratch on the left edge reaches 98 % on 308 validation images"),
        ({"max_memory_mb": 0.5}, "needs 0.74 MB for weights and feature maps; 0.5 MB are allowed."),
        ({"max_ms": 1}, "takes an estimated"),
    ],
)
def test_each_limit_refuses_with_its_figure(team, compiled, limits, sentence):
    policy(team, **limits)
    found = gate_of(compiled)
    assert [miss.limit for miss in found.misses] == list(limits)
    assert sentence in found.reasons and found.reasons.startswith("int8 for Rockchip RV1106")


def test_a_figure_that_just_meets_its_limit_passes(team, compiled):
    policy(team, max_drop=0.0033, fail_under=0.987, fail_class_under=0.98, max_memory_mb=774144 / 2**20)
    assert gate_of(compiled).passed


def test_an_operator_on_the_cpu_is_refused(team, compiled):
    policy(team, no_cpu=True)
    assert gate_of(compiled).passed
    compiled.facts["cost"]["cpu_ops"] = ["Softmax", "Softmax"]
    assert refused(compiled) == ["no_cpu"]
    assert "Softmax run on the CPU" in gate_of(compiled).reasons


def test_what_is_not_known_is_refused_and_said(team, compiled):
    policy(team, max_drop=0.5, max_memory_mb=100)
    Evaluation.objects.filter(stage=Stage.SIMULATOR).delete()
    compiled.facts = {}
    assert refused(compiled) == ["max_drop", "max_memory_mb"]
    assert "was not measured: compile it again" in gate_of(compiled).reasons
    assert "the compiler reported no cost" in gate_of(compiled).reasons


def test_a_measured_latency_takes_the_place_of_the_estimate(seed, team, run, compiled):
    policy(team, max_ms=6)
    seed.deploy(run, compiled, seed.device())
    assert "takes 6.31 ms for one image on boards" in gate_of(compiled).reasons


def test_the_policy_of_a_chip_replaces_that_of_all_chips(team, compiled):
    policy(team, fail_under=0.999)
    policy(team, chip="rv1106", fail_under=0.5)
    policy(team, task="detection", chip="rv1106", fail_under=1)
    assert gate_of(compiled).passed


def test_decisions_about_many_models_take_two_queries(team, seed, run, compiled, django_assert_num_queries):
    policy(team, max_drop=0.001)
    rows = [compiled, seed.convert(run, "rk3566"), seed.convert(run, "rk3588")]
    with django_assert_num_queries(2):
        assert len(gate.gates_of(rows)) == 3


# --- what it stops ----------------------------------------------------------------------------


def test_a_refused_model_is_not_deployed_and_the_answer_says_why(team, alice, run, compiled, device):
    policy(team, fail_under=0.99)
    answer = post(alice, run, device)
    assert answer.status_code == 409
    assert "at least 99 % is required" in answer.json()["detail"]
    assert "with a reason for an exception" in answer.json()["detail"]
    assert not Deployment.objects.exists()


def test_a_reason_overrides_it_and_is_kept(team, alice, run, compiled, device):
    policy(team, fail_under=0.99)
    told = post(alice, run, device, override="Line 3 stands still without it.").json()
    assert told["override"] == "Line 3 stands still without it."
    assert told["gate"]["limits"] == {"fail_under": 0.99}
    assert told["gate"]["misses"][0]["value"] == 0.987
    entry = AuditEntry.objects.get(verb="deployment.override")
    assert (entry.actor_name, entry.detail) == ("alice", "Line 3 stands still without it.")


def test_a_reason_for_a_model_that_passes_is_no_exception(team, alice, run, compiled, device):
    policy(team, fail_under=0.5)
    assert post(alice, run, device, override="Just in case.").json()["override"] == ""
    assert not AuditEntry.objects.filter(verb="deployment.override").exists()


def test_a_viewer_and_a_stranger_may_not_override_it(team, bob, charlie, run, compiled, device):
    policy(team, fail_under=0.99)
    assert post(bob, run, device, override="Please.").status_code == 403
    assert post(charlie, run, device, override="Please.").status_code == 400
    assert not Deployment.objects.exists()


def test_a_run_does_not_deploy_what_is_refused(team, seed, run, compiled, device):
    policy(team, max_drop=0)
    Run.objects.filter(pk=run.pk).update(status=Status.RUNNING, finished_at=None)
    seed.step(run, "deploy", None, compiled.job.step, device=device, inputs={"board_images": 9})
    pipeline.advance(run)
    step = Step.objects.get(kind="deploy")
    assert step.job is None and "so it was not deployed" in step.withheld
    assert "lost 0.33 points" in step.withheld
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED


def test_a_retry_is_judged_again_and_keeps_its_exception(team, alice, run, compiled, device):
    made = services.start(compiled, device, alice, board_images=0)
    made.job.move_to(Status.RUNNING, "taken")
    made.job.move_to(Status.FAILED, "broken")
    policy(team, fail_under=0.99)
    with pytest.raises(GateRefused):
        jobs.retry(made.job, created_by=alice)
    Deployment.objects.filter(pk=made.pk).update(override="Needed.")
    jobs.retry(made.job, created_by=alice)
    assert deployments_of(run).first().override == "Needed."


def test_a_rollback_is_never_refused(team, seed, alice, run, compiled, device):
    first = seed.deploy(run, compiled, device)
    policy(team, fail_under=0.999)
    device.probe |= {"current": "another", "releases": [{"id": first.release, "activated": 1}]}
    device.save()
    made = services.roll_back(Deployment.objects.get(pk=first.pk), alice)
    assert made.gate is None and made.override == ""


def measured_on_board(deployment, **metrics) -> Evaluation:
    return Evaluation(
        job=deployment.job, model=deployment.compiled_model.model, stage=Stage.BOARD, engine=ENGINE,
        value=metrics["top1"], metrics=metrics, parity={"drop": 0.987 - metrics["top1"]}, images=40,
    )  # fmt: skip


def test_a_board_that_misses_the_policy_is_told_unless_excepted(team, seed, alice, compiled):
    policy(team, max_drop=0.01, max_ms=1000)
    made = services.start(compiled, seed.device(), alice, board_images=40)
    good = measured_on_board(made, **figures(0.985) | {"ms_median": 900.0})
    assert gate.board_misses(made, good) == []
    bad = measured_on_board(made, **figures(0.9) | {"ms_median": 1200.0})
    assert [miss.limit for miss in gate.board_misses(made, bad)] == ["max_drop", "max_ms"]
    made.override = "Needed."
    assert gate.board_misses(made, bad) == []


def test_the_times_of_a_virtual_board_are_not_judged(team, alice, compiled, device):
    policy(team, max_ms=1000)
    made = services.start(compiled, device, alice, board_images=40)
    assert gate.board_misses(made, measured_on_board(made, **figures(0.987) | {"ms_median": 5e3})) == []


def test_a_deployment_that_misses_it_on_the_board_fails_its_trial(team, alice, compiled, device):
    policy(team, max_drop=0.01)
    trial = Attempt(services.start(compiled, device, alice, board_images=40), context=None)
    trial.evaluations = [
        {"stage": Stage.BOARD, "engine": ENGINE, "metrics": figures(0.5), "parity": {"drop": 0.487},
         "predictions": "predictions.board.json"}
    ]  # fmt: skip
    with pytest.raises(RemoteFailed, match="The board Bench lost 48.7 points of Top-1"):
        trial.judge_measured()


# --- pages and API ----------------------------------------------------------------------------


def test_the_run_page_says_it_before_the_deployment(team, alices, run, compiled, device):
    policy(team, fail_under=0.99)
    page = alices.get(f"/runs/{run.pk}/").content.decode()
    assert "Deployment refused" in page and "at least 99 % is required" in page
    policy(team, fail_under=0.9)
    assert "May be deployed" in alices.get(f"/runs/{run.pk}/").content.decode()


def test_the_page_asks_for_a_reason_and_takes_it(team, alices, run, compiled, device):
    policy(team, fail_under=0.99)
    address = f"/runs/{run.pk}/deploy/"
    page = alices.post(address, {"device": device.pk}).content.decode()
    assert "at least 99 % is required" in page and 'name="override"' in page
    again = alices.post(address, {"device": device.pk, "confirmed": "yes", "override": " "})
    assert again.status_code == 422 and not Deployment.objects.exists()
    alices.post(address, {"device": device.pk, "confirmed": "yes", "override": "Needed today."})
    assert Deployment.objects.get().override == "Needed today."


def test_the_gate_of_a_run_is_told_by_the_api(team, alice, charlie, run, compiled):
    policy(team, fail_under=0.99)
    (told,) = calling(alice).get(f"/api/v1/runs/{run.pk}/gate/").json()
    assert (told["compiled_model"], told["passed"]) == (compiled.pk, False)
    assert told["misses"][0]["limit"] == "fail_under"
    assert calling(charlie).get(f"/api/v1/runs/{run.pk}/gate/").status_code == 404


def test_policies_are_set_replaced_and_removed_by_administrators(admin, bob, charlie, compiled):
    body = {"task": "classification", "chip": "rv1106", "max_drop": 0.01}
    assert calling(bob).post("/api/v1/policies/", body, format="json").status_code == 403
    api = calling(admin)
    made = api.post("/api/v1/policies/", body, format="json")
    assert (made.status_code, made.json()["passing"], made.json()["models"]) == (201, 1, 1)
    replaced = api.post("/api/v1/policies/", body | {"max_drop": 0, "fail_under": 1}, format="json")
    assert (replaced.status_code, replaced.json()["id"]) == (200, made.json()["id"])
    assert "No compiled model meets this policy (1 checked)" in replaced.json()["warning"]
    address = f"/api/v1/policies/{made.json()['id']}/"
    assert calling(charlie).delete(address).status_code == 404
    assert api.delete(address).status_code == 204
    verbs = AuditEntry.objects.filter(verb__startswith="policy.").values_list("verb", flat=True)
    assert sorted(verbs) == ["policy.remove", "policy.set", "policy.set"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"task": "classification"}, ""),
        ({"task": "poetry", "max_drop": 0.1}, "task"),
        ({"task": "classification", "chip": "z80", "max_drop": 0.1}, "chip"),
        ({"task": "classification", "max_drop": 3}, "max_drop"),
        ({"task": "classification", "max_ms": -1}, "max_ms"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(admin, body, field):
    answer = calling(admin).post("/api/v1/policies/", body, format="json")
    assert answer.status_code == 400 and field in answer.json()["errors"]


def test_that_nothing_may_be_lost_is_a_limit_in_words_in_evidence_and_at_every_entrance(
    admin, client, compiled
):
    body = {"task": "classification", "max_drop": 0}
    assert calling(admin).post("/api/v1/policies/", body, format="json").status_code == 201
    policy = Policy.objects.get()
    assert policy.limits == gate_of(compiled).as_data()["limits"] == {"max_drop": 0}
    assert [str(each) for each in policies.words(policy)] == ["drop in points at most 0"]
    client.force_login(admin)
    assert client.post("/deployments/policies/", body | {"chip": "rv1106"}).status_code == 302


def test_the_page_of_policies_sets_one_and_says_if_nothing_meets_it(admin, bobs, client, compiled):
    given = {"task": "classification", "chip": "", "fail_under": "99.9"}
    assert bobs.post("/deployments/policies/", given).status_code == 403
    client.force_login(admin)
    assert client.post("/deployments/policies/", {"task": "classification"}).status_code == 422
    client.post("/deployments/policies/", given)
    assert Policy.objects.get().fail_under == 0.999
    page = client.get("/deployments/policies/").content.decode()
    assert "0 of 1" in page and "nothing can be deployed without an exception" in page
    client.post(f"/deployments/policies/{Policy.objects.get().pk}/remove/")
    assert not Policy.objects.exists()
