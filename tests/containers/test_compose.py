"""docker-compose.yml and the Dockerfile agree with the settings, with make serve and with our promises."""

import configparser
import json
import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from configs.containers import build_images, make_env
from portal.jobs import kinds, sites
from portal.ops import supervision
from portal.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
WORKERS = ("worker-deploy", "worker-train", "worker-convert")
TARGETS = ("portal", *WORKERS, "virtual-board")
READ = ("./configs/containers/", "${CERTIFICATES_DIR:-./configs/containers}")
# Read by boto3 and by OpenTelemetry, not by our settings.
OF_LIBRARIES = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
}  # fmt: skip


def stages() -> dict[str, list[str]]:
    """The Dockerfile's instructions by stage, continued lines joined."""
    text = DOCKERFILE.replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if match := re.match(r"FROM \S+ AS (\S+)", line):
            current = found.setdefault(match[1], [])
        elif line.strip() and not line.startswith(("#", "ARG")):
            current.append(" ".join(line.split()))
    return found


def command_of(target: str) -> list[str]:
    line = next(line for line in stages()[target] if line.startswith("CMD "))
    return json.loads(line.removeprefix("CMD "))


def with_defaults(command: list[str]) -> list[str]:
    """The words with the defaults of their variables."""
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in command]


def volumes_of(service: dict) -> list[str]:
    """Its named volumes. What lies in the checkout, and the certificates, is only read."""
    volumes = [one for one in service.get("volumes", []) if ":" in one]
    return [one.split(":")[0] for one in volumes if not (one.startswith(READ) and one.endswith(":ro"))]


def known_settings() -> set[str]:
    sources = [
        ROOT / "portal/settings.py",
        ROOT / "portal/identity_settings.py",
        ROOT / "portal/log_settings.py",
        *(ROOT / "portal/ops/management/commands").glob("*.py"),
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', text)) | {"DATABASE_URL"}


def test_nothing_is_privileged_and_no_container_gets_the_docker_socket():
    assert "docker.sock" not in TEXT
    for service in SERVICES.values():
        assert not {"privileged", "pid", "ipc", "network_mode", "devices"} & service.keys()
    # The proxy listens on the ports below 1024.
    assert {name: one["cap_add"] for name, one in SERVICES.items() if "cap_add" in one} == {
        "proxy": ["NET_BIND_SERVICE"]
    }
    assert SERVICES["proxy"]["cap_drop"] == ["ALL"] and SERVICES["proxy"]["read_only"]


def test_only_the_proxy_and_grafana_are_published():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy", "grafana"}
    for name in ("proxy", "grafana"):
        assert all(":-127.0.0.1:" in port for port in SERVICES[name]["ports"])


def test_every_service_that_goes_on_running_has_a_bound_of_memory():
    assert not [name for name, service in SERVICES.items() if "mem_limit" not in service]


def test_redis_keeps_what_it_was_told_and_refuses_strangers():
    redis = SERVICES["redis"]
    command = redis["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--requirepass") + 1].startswith("${REDIS_PASSWORD:?")
    assert redis["volumes"] == ["redis-data:/data"]


def test_the_example_names_every_setting_once_with_its_default():
    example = re.findall(r"^# ([A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    names = [name for name, _ in example]
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    assert sorted(names) == sorted(set(re.findall(r"\$\{(\w+)", TEXT)))
    for name, value in example:
        if not name.endswith("_IMAGE"):
            assert value == defaults.get(name, "")


def test_a_line_of_the_example_explains_or_is_a_setting():
    assert all(not line or line.startswith("# ") for line in EXAMPLE.splitlines())


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_capabilities_and_gain_none(name):
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_to_their_working_files_only(name):
    assert SERVICES[name]["read_only"] is True
    where = {volume.split(":")[-1] for volume in SERVICES[name]["volumes"]}
    assert where == {"/tmp", "/var/lib/slipway"}
    assert SERVICES[name]["init"] is True


@pytest.mark.parametrize("name", sorted(set(OURS) - {"setup", "demo"}))
def test_what_goes_on_running_is_asked_whether_it_works(name):
    asked = SERVICES[name].get("healthcheck", {"test": ["CMD", "configs/containers/health.py"]})
    assert any("health.py" in word for word in asked["test"])


def test_the_images_that_we_do_not_make_are_named_by_digest():
    images = re.findall(r"_IMAGE:-([^}]+)\}", TEXT)
    images.append(re.search(r"ARG BASE_IMAGE=(\S+)", DOCKERFILE)[1])
    assert len(images) == 8
    for image in images:
        assert re.fullmatch(r"[a-z/-]+:[\w.-]+@sha256:[0-9a-f]{64}", image)
    assert images[-1] in images[:-1]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_what_it_is(target):
    label = next(line for line in stages()[target] if line.startswith("LABEL "))
    for name in ("title=", "version=$VERSION", "revision=$REVISION"):
        assert f"org.opencontainers.image.{name}" in label
    assert "org.opencontainers.image.licenses=Apache-2.0" in " ".join(stages()["base"])
    assert re.search(r"ARG VERSION=(\S+)", DOCKERFILE)[1] == VERSION


def test_every_environment_has_a_bill_of_materials():
    for stage, name in (("portal-env", "portal"), ("train-env", "train"), ("convert-env", "convert")):
        text = " ".join(stages()[stage])
        assert "--format cyclonedx1.5" in text and f"/sbom/{name}.cdx.json" in text
    assert "/usr/share/slipway/debian.cdx.json" in " ".join(stages()["portal-base"])


@pytest.mark.parametrize("target", TARGETS)
def test_a_change_of_the_code_makes_no_environment_anew(target):
    instructions = stages()[target]
    code = next(index for index, line in enumerate(instructions) if line.startswith("COPY --from=code"))
    assert not [line for line in instructions[code:] if line.startswith("RUN")]
    assert not [line for line in instructions[code + 1 :] if "-env" in line]


def test_the_command_that_builds_the_images_knows_each_and_the_arguments_of_the_dockerfile():
    assert set(build_images.LIMITS) == set(TARGETS)
    assert set(re.findall(r"ARG (\w+)=", DOCKERFILE)) == {*build_images.PASSED, "VERSION", "REVISION"}
    assert set(OURS["worker-train-gpu"]["build"]["args"]) == set(build_images.PASSED)
    assert set(OURS["portal"]["build"]["args"]) == set(build_images.PASSED) - {"PADDLE_GPU_INDEX"}
    assert build_images.version() == VERSION


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_a_user_without_rights_and_says_how_it_is(target):
    instructions = stages()[target]
    assert "USER slipway" in instructions
    after = instructions[instructions.index("USER slipway") :]
    assert not [line for line in after if line.startswith(("RUN", "COPY", "USER root"))]
    assert any("configs/containers/health.py" in line for line in after if line.startswith("HEALTHCHECK"))


def test_no_two_services_share_a_disk_and_none_sees_the_hosts():
    used = [volume for service in SERVICES.values() for volume in volumes_of(service)]
    assert len(used) == len(set(used))
    assert set(used) == set(COMPOSE["volumes"])
    assert not volumes_of(SERVICES["portal"])


def test_files_go_to_storage_that_every_process_reaches():
    for name in ("setup", "portal", "worker", "upkeep", "errands", "beat", *WORKERS):
        environment = SERVICES[name]["environment"]
        assert environment["FILES_S3_BUCKET"] and environment["FILES_S3_ENDPOINT"]
        assert "inside" in SERVICES[name]["networks"]


def test_the_virtual_board_reaches_neither_database_nor_files():
    assert SERVICES["virtual-board"]["networks"] == ["boards"]
    for name in ("postgres", "redis", "s3"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", OURS)
def test_a_variable_that_is_set_is_one_that_something_reads(name):
    unknown = set(SERVICES[name]["environment"]) - known_settings() - OF_LIBRARIES
    assert not unknown


def test_every_secret_is_demanded_and_made_by_the_command_that_the_message_names():
    demanded = dict(re.findall(r"\$\{(\w+):\?([^}]*)\}", TEXT))
    assert set(demanded) == set(make_env.MAKERS)
    assert set(demanded.values()) == {"run make compose-env first"}
    assert "\ncompose-env:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_variable_of_the_stack_stands_in_the_page_about_it():
    page = (ROOT / "configs/containers/README.md").read_text(encoding="utf-8")
    missing = [name for name in set(re.findall(r"\$\{(\w+)", TEXT)) if f"`{name}`" not in page]
    assert not missing


@pytest.mark.parametrize(
    "target, program", [("worker-deploy", "deploy"), ("worker-train", "train"), ("worker-convert", "convert")]
)
def test_a_worker_is_started_as_make_serve_starts_it(target, program):
    assert command_of(target)[1:] == supervision.programs(None)[program][1:]


def test_the_web_server_is_started_as_make_serve_starts_it_but_for_where_it_listens():
    config = configparser.RawConfigParser()
    config.read(ROOT / command_of("portal")[-1])
    web = dict(config["fcgi-program:web"])
    assert web["command"].split()[1:] == supervision.programs(None)["web"][1:]
    served = supervision.web_options("0.0.0.0", 8000, Path("/logs"))
    del served["stdout_logfile"]  # the container's own output
    assert {name: web[name] for name in served} == served | {"socket": "tcp://0.0.0.0:8000"}


@pytest.mark.parametrize("name", ["worker", "worker-camera", "upkeep", "errands", "beat"])
def test_what_runs_in_the_portals_image_is_started_as_make_serve_starts_it(name):
    given = with_defaults(SERVICES[name]["command"])[1:]
    assert given == supervision.programs(None)[name.removeprefix("worker-")][1:]


def test_there_is_one_clock_and_it_works_on_nothing_itself():
    commands = [service.get("command", []) for service in OURS.values()]
    assert sum("beat" in command for command in commands) == 1
    assert not any("-B" in command for command in commands)
    programs = supervision.programs(None)
    assert sum("beat" in argv for argv in programs.values()) == 1
    assert not any("-B" in argv for argv in programs.values())


def test_upkeep_takes_what_names_no_queue_and_errands_reach_boards_and_other_systems():
    assert queues_of(SERVICES["upkeep"]["command"]) == {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert set(SERVICES["upkeep"]["networks"]) == {"inside"}
    assert set(SERVICES["errands"]["networks"]) == {"inside", "outside", "boards"}


def queues_of(command: list[str]) -> set[str]:
    return set(command[command.index("-Q") + 1].split(",")) if "-Q" in command else set()


def test_every_queue_has_a_worker():
    commands = [command_of(target) for target in WORKERS]
    commands += [service.get("command", []) for service in OURS.values()]
    served = set().union(*(queues_of(command) for command in commands))
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert {kind.queue for kind in kinds.all_kinds()} | {"default", "upkeep"} | routed == served


def test_a_worker_at_a_site_takes_all_that_leads_to_boards_with_the_settings_of_the_stack():
    page = yaml.safe_load((ROOT / "configs/containers/site.yml").read_text(encoding="utf-8"))
    (worker,) = page["services"].values()
    assert queues_of(worker["command"]) == set(sites.BOARD_QUEUES)
    assert set(worker["environment"]) <= known_settings() | OF_LIBRARIES and "ports" not in worker
    same = ("init", "read_only", "cap_drop", "security_opt", "restart", "logging", "pids_limit")
    assert all(worker[name] == SERVICES["worker-deploy"][name] for name in same)


def test_nothing_that_waits_for_others_shares_a_worker_with_upkeep():
    for name, argv in supervision.programs(None).items():
        assert "upkeep" not in queues_of(argv) or name == "upkeep" and queues_of(argv) == {"upkeep"}


def test_every_service_of_ours_is_built_from_a_target_and_named_after_it():
    for service in OURS.values():
        target = service["build"]["target"]
        assert target in TARGETS
        assert service["image"] == f"slipway-{target}{'-gpu' if service.get('profiles') == ['gpu'] else ''}"
    assert {service["build"]["target"] for service in OURS.values()} == set(TARGETS)


def test_only_the_demo_starts_a_virtual_board():
    profiles = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert profiles == {"virtual-board", "demo"}
