"""The manifests for Kubernetes are valid, and say what docker-compose.yml says."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from portal.jobs import kinds
from portal.jobs.models import Job, Status
from portal.version import VERSION
from tests.containers.test_compose import OURS, SERVICES, command_of, known_settings, with_defaults

FOLDER = Path(__file__).resolve().parents[2] / "configs/containers/kubernetes"
VERSIONS = ("1.31", "1.37")
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
MANIFESTS = [
    manifest
    for name in KUSTOMIZATION["resources"]
    for manifest in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))
]
SECRETS = {
    "SECRET_KEY", "ENCRYPTION_KEY", "DATABASE_URL", "REDIS_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "METRICS_TOKEN",
}  # fmt: skip


CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def of_kind(kind: str) -> dict[str, dict]:
    return {one["metadata"]["name"]: one for one in MANIFESTS if one["kind"] == kind}


PODS = {
    name: one["spec"]["template"]["spec"] for name, one in (of_kind("Deployment") | of_kind("Job")).items()
}
# Without the profiles: the demo, and the worker with a graphics card.
SERVED = {name: service for name, service in OURS.items() if "profiles" not in service}


def container(name: str) -> dict:
    return PODS[name]["containers"][0]


@pytest.mark.parametrize("version", VERSIONS)
def test_they_are_what_kubernetes_takes(version):
    for manifest in MANIFESTS:
        if not manifest["apiVersion"].startswith("keda.sh/"):
            kubernetes_validate.validate(manifest, version, strict=True)


def test_each_service_has_its_pods():
    assert set(PODS) == set(SERVED)


@pytest.mark.parametrize("name", SERVED)
def test_a_pod_runs_what_the_service_runs(name):
    service = SERVED[name]
    wanted = service.get("command") and with_defaults(service["command"])
    assert container(name)["image"] == service["image"]
    assert container(name).get("command") == wanted


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_and_writes_to_its_working_files_only(name):
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    for one in [*pod.get("initContainers", []), *pod["containers"]]:
        assert one["securityContext"] == CONFINED
        assert {mount["mountPath"] for mount in one["volumeMounts"]} == {"/tmp", "/var/lib/slipway"}
        assert "memory" in one["resources"]["limits"]


def test_settings_are_ones_that_something_reads_and_no_secret_is_written_down():
    given = of_kind("ConfigMap")["slipway"]["data"]
    assert set(given) <= known_settings() | {"AWS_DEFAULT_REGION"}
    assert not set(given) & SECRETS and not of_kind("Secret")
    told = (FOLDER.parent / "scaling.md").read_text("utf-8")
    assert set(re.findall(r"--from-literal=(\w+)", told)) == SECRETS


def test_workers_are_scaled_by_the_rows_of_their_queue_and_by_what_one_can_do():
    scaled = of_kind("ScaledObject")
    assert {one["spec"]["scaleTargetRef"]["name"] for one in scaled.values()} == {
        name for name in SERVED if name.startswith("worker")
    }
    queues = set()
    for name, one in scaled.items():
        (trigger,) = one["spec"]["triggers"]
        command = container(name).get("command") or command_of(SERVICES[name]["build"]["target"])
        queue = command[command.index("-Q") + 1]
        states = "', '".join((Status.QUEUED, Status.RUNNING, Status.CANCELLING))
        rows = f"{Job._meta.db_table} WHERE queue = '{queue}' AND status IN ('{states}')"
        assert trigger["metadata"] == {
            "query": f"SELECT count(*) FROM {rows}",
            "targetQueryValue": command[command.index("-c") + 1],
        }
        queues.add(queue)
    assert queues == {kind.queue for kind in kinds.all_kinds()}


def test_the_images_have_this_version():
    assert {image["newTag"] for image in KUSTOMIZATION["images"]} == {VERSION}
    assert {image["name"] for image in KUSTOMIZATION["images"]} == {one["image"] for one in SERVED.values()}
