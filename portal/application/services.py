"""Installs, starts, stops and removes the application on a board, and reads its state: each is a job."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.application import package
from portal.application.models import Act, Application
from portal.core.encryption import seal, unseal
from portal.devices.errors import BoardError
from portal.devices.models import Device
from portal.devices.remote_runner import run_sent
from portal.devices.services import connect
from portal.jobs import services as jobs
from portal.jobs.context import JobContext
from portal.jobs.models import Job, NothingLeft
from portal.teams import audit
from workers.contract.messages import msg

KIND = "app"
SECONDS = 90.0
# A new folder for its user alone: the settings may hold a password.
PRIVATE_FOLDER = 'rm -rf "$1" && mkdir -p "${1%/*}" && mkdir -m 700 "$1"'
MQTT_PORT, MQTTS_PORT = 1883, 8883  # of brokers, as on the board


class ApplicationRefused(Exception):
    """The application cannot do that now."""


@transaction.atomic
def install(device: Device, user, config: dict[str, Any], password: str | None = None) -> Application:
    """Queue the installation with these settings; an installed application is replaced.

    ``password`` is the MQTT broker's; None keeps the stored one, which goes to no other broker or user.
    Raises ApplicationRefused, QuotaReached.
    """
    Device.objects.select_for_update().get(pk=device.pk)  # two people must not make two rows
    row = Application.objects.select_for_update().filter(device=device).first()
    row = row or Application(team=device.team, created_by=user, device=device)
    if password is None and row.secret and _recipient(config) != _recipient(row.config):
        password = _forgotten(config)
    row.config = config
    if password is not None:
        row.secret = seal({"password": password}) if password else ""
    return _submit(row, user, Act.INSTALL)


def _recipient(config: dict[str, Any]) -> tuple | None:
    """Whom the password is for, and whether encrypted: broker, port, TLS and user; None without MQTT."""
    found = next((one for one in config.get("outputs", ()) if one["kind"] == "mqtt"), None)
    if found is None:
        return None
    tls = bool(found.get("tls"))
    port = found.get("port") or (MQTTS_PORT if tls else MQTT_PORT)
    return found["host"], port, tls, found.get("ca", ""), found.get("user", "")


def _forgotten(config: dict[str, Any]) -> str:
    """No password, where none is needed. Raises ApplicationRefused where one is."""
    recipient = _recipient(config)
    if recipient is not None and recipient[-1]:
        raise ApplicationRefused(
            msg("The stored password is for another broker or user: enter the password for this one.")
        )
    return ""


@transaction.atomic
def act(application: Application, user, what: Act) -> Application:
    """Queue one of the other acts. Raises ApplicationRefused, QuotaReached."""
    return _submit(Application.objects.select_for_update().get(pk=application.pk), user, what)


def _submit(row: Application, user, what: Act) -> Application:
    if row.is_busy:
        raise ApplicationRefused(
            msg(
                "Job {pk} for this application is in progress: wait for its end, or cancel it.", pk=row.job_id
            )
        )
    jobs.refuse_if_full(row.device.team)
    row.act = what
    row.job = jobs.submit(KIND, row.device.team, user, **row.device.lane)
    row.save()
    audit.record(f"app.{what}", row.device, actor=user)
    return row


def perform(job: Job, context: JobContext) -> dict[str, Any]:
    row = job.application
    device, profile = row.device, row.device.board_profile
    context.phase(msg("connecting to {host}:{port}", host=device.host, port=device.port))
    with connect(device, context) as connection:
        if row.act == Act.INSTALL:
            context.phase(msg("copying the application"))
            fresh = f"{profile.root}/app.new"
            connection.run(["sh", "-c", PRIVATE_FOLDER, "sh", fresh])
            files = package.files_of(profile, with_password(row))
            connection.put_many(files, fresh, python=profile.python)
        context.phase(msg("managing the application"))
        arguments = [row.act, profile.root, package.boot_folder(profile)]
        return {"app": _state(run_sent(connection, profile, "app_manager.py", *arguments, timeout=SECONDS))}


def _state(message: dict[str, Any]) -> dict[str, Any]:
    if message["type"] != "app":
        raise BoardError(msg("The board did not report the state of its application: restart the board."))
    return {name: value for name, value in message.items() if name != "type"}


def with_password(row: Application) -> dict[str, Any]:
    """The settings as the board gets them."""
    if not row.secret:
        return row.config
    outputs = [one | unseal(row.secret) if one["kind"] == "mqtt" else one for one in row.config["outputs"]]
    return {**row.config, "outputs": outputs}


def complete(job: Job, result: dict[str, Any]) -> None:
    Application.objects.filter(job=job).update(state=result["app"], told_at=timezone.now())


def replace(old: Job, new: Job) -> None:
    if not Application.objects.filter(job=old).update(job=new):
        raise NothingLeft(old)
