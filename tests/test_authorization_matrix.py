"""Every page and endpoint × everybody who may ask. A new address without a line in a table fails.

The addresses come from the URL map, who may from ``authorization_table``.
Each call is undone, so that all start from the same rows.
"""

import re
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from portal.application.models import Application
from portal.camera.models import Capture, CaptureDraft
from portal.compilation import layer_errors, search
from portal.datasets.draft_models import Draft
from portal.datasets.models import Upload
from portal.deployment.models import Policy, Profile
from portal.devices import services as devices
from portal.devices.errors import Unreachable
from portal.devices.models import JumpHost
from portal.fitting.goals import LIMITS
from portal.fitting.models import FitSearch
from portal.jobs.models import Job
from portal.models.model_files import ModelFile
from portal.models.models import Prelabelling
from portal.notify.models import Delivery, Notification, Webhook
from portal.review.models import Item, Rule
from portal.rollouts.models import Group, Rollout, Target
from portal.teams import service_accounts, services, tokens
from portal.teams.models import Membership, Role, Scope, User
from tests.authorization_rules import ALLOWED, BROKEN, PUBLIC, REFUSED, SIGN_IN, UNKNOWN
from tests.authorization_table import API, PAGES
from tests.factories import class_zip
from tests.fakes.intake import FACTS
from tests.graphs import compiled_of, deployments_of, job_of, model_of
from tests.seed import everything
from tests.streams import read_whole

IMAGE = "000001.png"
# What the protocol of uploads asks for before it looks at the address.
TUS = {
    "headers": {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Offset": "0"},
    "content_type": "application/offset+octet-stream",
}


# --- the URL map ------------------------------------------------------------------------------


def _routes(patterns, prefix=""):
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def _template(route):
    """``^runs/(?P<pk>\\d+)/$`` and ``runs/<int:pk>/`` alike as ``runs/{pk}/``."""
    route = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"{\1}", route)
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.replace("^", "").replace("$", ""))


def endpoints():
    """``METHOD path`` of every endpoint below ``/api/v1/``, without the suffixes for formats."""
    found = set()
    for route, pattern in _routes(get_resolver().url_patterns):
        if not route.startswith("api/v1/") or "format" in route or not hasattr(pattern.callback, "cls"):
            continue
        view = pattern.callback.cls
        methods = getattr(pattern.callback, "actions", None)
        if methods is None:
            methods = [name for name in view.http_method_names if hasattr(view, name) and name != "options"]
        else:  # HEAD is added by itself once a view was called; it counts where it does something of its own
            methods = [name for name, act in methods.items() if name != "head" or act != methods.get("get")]
        found |= {f"{name.upper()} {_template(route).removeprefix('api/v1/')}" for name in methods}
    return found


def pages():
    """Name and path of every page."""
    routes = _routes(get_resolver().url_patterns)
    return {item.name: _template(route) for route, item in routes if not hasattr(item.callback, "cls")}


def test_every_endpoint_stands_in_the_table_and_nothing_else():
    assert endpoints() - set(API) == set()
    assert set(API) - endpoints() == set()


def test_every_page_stands_in_the_table_and_nothing_else():
    named = {key.split(" ")[1] for key in PAGES}
    assert set(pages()) - named == set()
    assert named - set(pages()) == set()


# --- rows and people --------------------------------------------------------------------------


@pytest.fixture
def rows(team, alice, monkeypatch):
    def unreachable(*args):
        raise Unreachable("Nobody is there.")

    monkeypatch.setattr(devices, "fetch_host_key", unreachable)
    return make_rows(team, alice)


def make_rows(team, alice):
    """What every address of the tables names, by the words of ``api_values`` and ``page_values``."""
    found = everything(team, alice)
    root = User.objects.create_user("root")
    member = Membership.objects.create(team=team, user=root, role=Role.VIEWER)
    token, _ = tokens.make(team, root, "Root's", ["read"], 30)
    invitation, path = services.invite(team, root, Role.VIEWER, 7)
    upload = Upload.objects.create(
        team=team, created_by=alice, filename="a.zip", length=10, expires_at=datetime(2999, 1, 1, tzinfo=UTC)
    )
    browser = Client()
    browser.force_login(root)
    browser.get("/")
    webhook = Webhook.objects.create(team=team, name="Chat", url="https://chat.example")
    notice = Notification.objects.create(team=team, user=root, event="run.finished", facts={"name": "Digits"})
    compiled = compiled_of(found["done"]).first()
    target = {"chip": compiled.chip, "channel_order": compiled.channel_order}
    found["layer_errors"] = layer_errors.start(compiled, alice)
    found["search"] = search.start(compiled.model, alice, **target, allowed_drop=1.0)
    found["fit"] = FitSearch.objects.create(
        team=team, created_by=root, name="Fits", dataset_version=found["version"], chip="rv1106",
        channel_order="bgr", budget_seconds=600, task="classification", limits=dict.fromkeys(LIMITS),
        job=Job.objects.create(team=team, created_by=root, kind="fit", queue="default"),
    )  # fmt: skip
    found |= {"file": make_model_file(team, root), "profile": make_profile(team, root, found["virtual"])}
    draft = Draft.objects.create(
        team=team, created_by=root, dataset=found["version"].dataset, base=found["version"]
    )
    prelabelling = Prelabelling.objects.create(
        team=team, created_by=root, draft=draft, model=model_of(found["done"]), least_score=0.4,
        job=Job.objects.create(team=team, created_by=root, kind="prelabel", queue="convert"),
    )  # fmt: skip
    rollout = Rollout.objects.create(
        team=team, name="To the hall", model=model_of(found["done"]), waves=1, deadline=timezone.now()
    )
    Target.objects.create(rollout=rollout, device=found["virtual"], wave=1, state="failed")
    capture = Capture.objects.create(
        draft=CaptureDraft.objects.create(team=team, created_by=root, dataset_name="Bolts", task="detection"),
        device=found["virtual"], count=1, every_ms=0, width=640, height=480,
        job=Job.objects.create(team=team, created_by=root, kind="capture", queue="camera"),
    )  # fmt: skip
    rule = Rule.objects.create(team=team, device=found["board"], below=0.5)
    kept = Item.objects.create(
        team=team, device=found["virtual"], device_name="Virtual board", dataset=found["version"].dataset,
        release="run1-job4", source="asked", taken_at=timezone.now(), task="classification", name="belt.png",
        sha256="0" * 64, width=16, height=16, prediction={"label_id": 0, "label": "0", "score": 0.4},
        reasons=["unsure"], file=found["inference"].images.first().file.name,
    )  # fmt: skip
    return found | {
        "application": Application.objects.create(team=team, device=found["virtual"], act="install"),
        "review_rule": rule, "review_item": kept, "service": make_service(team, alice),
        "prelabelling": prelabelling, "capture": capture,
        "jump": JumpHost.objects.create(team=team, name="Gate", host="10.9.9.9", username="porter"),
        "rollout": rollout, "group": Group.objects.create(team=team, name="Hall"),
        "policy": Policy.objects.create(team=team, task="classification", max_drop=0.5),
        "webhook": webhook, "delivery": Delivery.objects.create(webhook=webhook, event="test", body="{}"),
        "notification": notice,
        "member": member, "token": token, "invitation": invitation, "upload": upload,
        "secret": path.strip("/").split("/")[1], "sign_in": root.sign_ins.get(),
    }  # fmt: skip


def make_service(team, user):
    return service_accounts.make(team, user, "Oven line", Role.MEMBER)


def make_profile(team, user, device) -> Profile:
    job = Job.objects.create(team=team, created_by=user, kind="profile", queue="deploy")
    return Profile.objects.create(team=team, created_by=user, device=device, job=job)


def make_model_file(team, user) -> ModelFile:
    job = Job.objects.create(
        team=team, created_by=user, kind="inspect-model", queue="convert", status="succeeded"
    )
    return ModelFile.objects.create(
        team=team, created_by=user, name="Own", filename="own.onnx", bytes=100, job=job,
        facts=FACTS | {"chips": []},
    )  # fmt: skip


def api_values(rows):
    run = rows["failed"]  # with devices, so that it is an operator's
    return {
        "uploads": rows["upload"].pk,
        "datasets": rows["version"].dataset_id,
        "drafts": rows["prelabelling"].draft_id,  # somebody else's
        "prelabellings": rows["prelabelling"].pk,
        "capture-drafts": rows["capture"].draft_id,  # somebody else's
        "captures": rows["capture"].pk,
        "dataset-versions": rows["version"].pk,
        "runs": run.pk,
        "jobs": job_of(run).pk,
        "jobs/{pk}/files/{name}": rows["job"].pk,
        "models": model_of(run).pk,
        "evaluations": model_of(run).evaluations.first().pk,
        "compiled-models": rows["model"].pk,
        "layer-errors": rows["layer_errors"].pk,
        "quantization-searches": rows["search"].pk,
        "fit-searches": rows["fit"].pk,
        "model-files": rows["file"].pk,
        "devices": rows["virtual"].pk,
        "inferences": rows["inference"].pk,
        "deployments": deployments_of(run).first().pk,
        "profiles": rows["profile"].pk,
        "policies": rows["policy"].pk,
        "rollouts": rows["rollout"].pk,
        "review-items": rows["review_item"].pk,
        "review-rules": rows["review_rule"].pk,
        "device-apps": rows["application"].pk,
        "device-groups": rows["group"].pk,
        "jump-hosts": rows["jump"].pk,
        "members": rows["member"].pk,
        "invitations": rows["invitation"].pk,
        "tokens": rows["token"].pk,
        "service-accounts": rows["service"].pk,
        "teams": rows["member"].team_id,
        "sign-ins": rows["sign_in"].pk,
        "webhooks": rows["webhook"].pk,
        "notifications": rows["notification"].pk,
    }


def page_values(rows, name):
    """What stands in a page's address."""
    subjects = {
        "sign-in-end": rows["sign_in"], "team-member-role": rows["member"], "token-revoke": rows["token"],
        "team-member-remove": rows["member"], "team-member-reset-link": rows["member"],
        "team-member-factor-reset": rows["member"],
        "team-invitation-withdraw": rows["invitation"], "dataset-detail": rows["version"].dataset,
        "job-cancel": rows["checking"].job, "job-retry": job_of(rows["failed"]),
        "dataset-rename": rows["version"].dataset, "dataset-delete": rows["version"].dataset,
        "dataset-restore": rows["version"].dataset,
        "run-cancel": rows["failed"], "run-retry": rows["failed"], "run-delete": rows["failed"],
        "run-restore": rows["failed"],
        "review-rule-remove": rows["review_rule"], "review-version": rows["version"].dataset,
        "review-draft": rows["version"].dataset,
        **dict.fromkeys(
            ("camera-live", "camera-stream", "camera-stream-state", "camera-stream-start"), rows["virtual"]
        ),
    }  # fmt: skip
    if name in ("model-variants", "model-variants-live", "model-variant-new", "model-search-new"):
        subjects[name] = model_of(rows["done"])
    if name.startswith("model-file") or name == "run-import":
        subjects[name] = rows["file"]
    by_kind = {
        "run": rows["done"], "job": rows["job"], "artifact": rows["job"], "device": rows["virtual"],
        "inference": rows["virtual"], "fit": rows["fit"], "dataset": rows["version"],
        "upload": rows["upload"],
        "service": rows["service"],
        "webhook": rows["webhook"], "notification": rows["notification"],
        "policy": rows["policy"], "rollout": rows["rollout"], "group": rows["group"],
        "camera": rows["capture"].draft,
        "review": rows["review_item"],
        "jump": rows["jump"],
        "app": rows["virtual"],
        "model": compiled_of(rows["done"]).first(), "deployment": deployments_of(rows["done"]).first(),
    }  # fmt: skip
    subject = subjects.get(name) or by_kind.get(name.split("-")[0])
    numbers = {"dataset-image-page": 1, "dataset-image-boxes": 1, "webhook-redeliver": rows["delivery"].pk}
    number = numbers.get(name, rows["inference"].pk)
    return {
        "pk": subject.pk if subject else None, "name": IMAGE if name == "dataset-image" else "model.onnx",
        "number": number, "layout": "folders", "position": 0, "secret": rows["secret"], "uidb64": "MQ",
        "token": "set-password", "code": "near-copy",
        "decision": {"review-decide": "accept", "app-act": "status"}.get(name, "pause"),
    }  # fmt: skip


ROLES = ("viewer", "member", "operator", "admin")


@pytest.fixture
def roles(team):
    """A new person for each role."""
    found = {}
    for role in ROLES:
        found[role] = User.objects.create_user(f"the-{role}")
        Membership.objects.create(team=team, user=found[role], role=role)
    Notification.objects.filter(team=team).update(user=found["admin"])  # everybody sees only their own
    return found


# --- what is expected, and what is answered ---------------------------------------------------


def role_allows(rule, role):
    return role in ROLES and rule.role in ROLES and ROLES.index(role) >= ROLES.index(rule.role)


def expected(rule, asker, has_row):
    """The verdict for ``anonymous``, ``stranger``, a role, or ``token:<scope>`` of an administrator."""
    if rule.role == PUBLIC:
        return ALLOWED
    if asker == "anonymous":
        return SIGN_IN
    if asker == "stranger":
        return rule.stranger or (UNKNOWN if has_row else ALLOWED)
    if asker.startswith("token:"):
        fits = set(rule.scopes) == {asker.removeprefix("token:")}
        return expected(rule, "admin", has_row) if fits else REFUSED
    if role_allows(rule, asker):
        return ALLOWED
    told = rule.refused_below and ROLES.index(asker) < ROLES.index(rule.refused_below)
    return UNKNOWN if rule.own and not told else REFUSED


def verdict(answer):
    if answer.status_code == 401 or (answer.status_code == 302 and "next=" in answer["Location"]):
        return SIGN_IN
    if answer.status_code >= 500 or answer.status_code == 405:
        return BROKEN
    return {403: REFUSED, 404: UNKNOWN}.get(answer.status_code, ALLOWED)


def ask(client, method, path, **arguments):
    """Call, and undo what it did, in the database and in the client's cookies."""
    cookies = client.cookies.output()
    with transaction.atomic():
        answer = getattr(client, method.lower())(path, **arguments)
        if answer.streaming:
            read_whole(answer)  # the client closes it then, without the connection
        transaction.set_rollback(True)
    if client.cookies.output() != cookies:
        client.cookies.load(cookies.replace("Set-Cookie: ", ""))
    return answer


def compare(wrong, key, rule, askers, path, arguments):
    for asker, client in askers.items():
        answer = ask(client, key.split(" ")[0], path, **arguments)
        wanted, got = expected(rule, asker, "{" in key or rule.own), verdict(answer)
        if got != wanted:
            wrong.append(f"{key} by {asker}: {got} ({answer.status_code}), not {wanted}")


def test_every_endpoint_lets_in_whom_its_line_names(rows, roles, team, charlie):
    askers = {"anonymous": APIClient(), "stranger": APIClient()}
    askers["stranger"].force_authenticate(charlie)
    for role, user in roles.items():
        askers[role] = APIClient()
        askers[role].force_authenticate(user)
    for scope in Scope.values:
        askers[f"token:{scope}"] = APIClient()
        _, secret = tokens.make(team, roles["admin"], scope, [scope], 1)
        askers[f"token:{scope}"].credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    values, wrong = api_values(rows), []
    for key, rule in API.items():
        method, path = key.split(" ")
        pk = values.get(path) or values.get(path.split("/")[0])
        body = rule.body
        if key == "POST runs/":
            body = {"dataset_version": rows["version"].pk, "preset": "fast", "devices": [rows["virtual"].pk]}
        if key == "POST datasets/":
            body = {"name": "Pets", "file": class_zip()}
        arguments = {} if method in ("GET", "HEAD") else {"data": body, "format": rule.format}
        if path.startswith("uploads/"):
            arguments = dict(TUS) | ({"data": body} if body else {})
        parts = {"pk": pk, "name": "model.onnx", "position": 0, "number": rows["delivery"].pk}
        address = "/api/v1/" + path.format(**parts) + rule.query
        compare(wrong, f"{method} {path}", rule, askers, address, arguments)
    assert not wrong, "\n".join(wrong)


def test_every_page_lets_in_whom_its_line_names(rows, roles, team, charlie):
    askers = {"anonymous": Client(), "stranger": Client()}
    askers["stranger"].force_login(charlie)
    for role, user in roles.items():
        askers[role] = Client()
        askers[role].force_login(user)
    _, secret = tokens.make(team, roles["admin"], "All", Scope.values, 1)
    addresses, wrong = pages(), []
    with_token = Client(headers={"Authorization": f"Bearer {secret}"})
    for key, rule in PAGES.items():
        method, name = key.split(" ")
        template = addresses[name]
        path = "/" + template.format(**page_values(rows, name))
        data = {"team": team.pk} if name == "team-switch" else {}
        arguments = {"data": data} if method == "POST" else {}
        has_row = "{pk}" in template
        compare(wrong, f"{method} {name}" + ("{}" if has_row else ""), rule, askers, path, arguments)
        if verdict(ask(with_token, method, path, **arguments)) != expected(rule, "anonymous", has_row):
            wrong.append(f"{key} with a token: a token must open no page")
    assert not wrong, "\n".join(wrong)
