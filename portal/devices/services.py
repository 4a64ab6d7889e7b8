"""Devices: register, connect, probe, run inference."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.core.encryption import WrongKey
from portal.devices import inference_images, moves, networks, rerouting, running, shownkey, sitekey, watch
from portal.devices import probe as probing
from portal.devices.connection import BoardConnection
from portal.devices.credentials import (
    PLACE,
    Credentials,
    SecretNeeded,
    is_factory_password,
    jump_of,
    needed,
    place_of,
    sign_in,
    sign_in_with,
    stored,
)
from portal.devices.dialing import dial
from portal.devices.errors import BoardError, CameraFailed, Unreachable, WrongPassword
from portal.devices.hostkeys import HostKey
from portal.devices.jumping import Jump, fetch_host_key
from portal.devices.models import Device, Inference, JumpHost
from portal.devices.tags import set_tags
from portal.jobs import services as jobs
from portal.jobs.context import JobContext
from portal.jobs.models import ACTIVE, FINAL, IllegalTransition, Job, NothingLeft
from portal.teams import audit
from workers.contract.messages import msg, msg_n

MAX_INFERENCE_IMAGES = inference_images.MOST_IMAGES


def read_host_key(host: str, port: int, **way: Jump) -> HostKey:
    """The key that the board shows now; no password is sent to it. ``way``: see ``way_to``. Raises
    BoardError.
    """
    return fetch_host_key(host, port, settings.SSH_TIMEOUT_SECONDS, **way)


def shown_host_key(team, host: str, port: int, jump: JumpHost | None = None, site: str = "") -> HostKey:
    """``read_host_key`` for a web request, which it blocks for a few seconds at most. Raises BoardError.

    For a board at a site, a worker that serves it reads the key.
    """
    if site:
        sitekey.refuse_unserved(site)
        return shownkey.shown_within(team.pk, lambda: sitekey.ask(site, host, port, jump), f"{host}:{port}")
    try:
        way = {"jump": jump_of(jump)} if jump is not None else {}
    except WrongKey as error:
        raise BoardError(error.args[0]) from error
    return shownkey.shown_within(team.pk, lambda: read_host_key(host, port, **way), f"{host}:{port}")


def key_shown_now(device: Device) -> HostKey:
    """The key that a registered board shows now, for a web request. Raises BoardError."""
    return shown_host_key(device.team, device.host, device.port, device.jump, device.site)


@transaction.atomic
def register(
    team,
    user,
    *,
    name,
    profile,
    host,
    port,
    username,
    credentials: Credentials,
    host_key: HostKey,
    jump: JumpHost | None = None,
    tags: list[str] = (),
    site: str = "",
) -> Device:
    """Store a device with the host key that its owner has confirmed, and probe it. Raises BoardError."""
    credentials.check()
    moves.lock_jump_host(jump)
    place = {"host": host, "port": port, "username": username, "host_key": str(host_key)}
    device = Device.objects.create(
        team=team,
        created_by=user,
        name=name,
        profile=profile,
        auth=credentials.auth,
        secret=credentials.sealed(place),
        jump=jump,
        site=site,
        **place,
    )
    set_tags(device, tags)
    where = f"{host}:{port}" + (f" at {site}" if site else "")
    audit.record("device.create", device, actor=user, detail=f"{where}, {host_key}")
    start_probe(device, user)
    return device


@transaction.atomic
def update_access(device: Device, *, credentials: Credentials | None = None, **fields) -> None:
    """Change address, user or credentials; ``host_key`` only after a person has confirmed the new one.

    Raises AddressHeld if the address cannot change now, NotAllowed if it is in no allowed network, and
    SecretNeeded if the place changes without credentials for the new one: the stored ones would be sent to
    whoever responds there.
    """
    if "host_key" in fields:
        fields["host_key"] = str(fields["host_key"])
    moves.lock_jump_host(fields.get("jump"))
    row = Device.objects.select_for_update().get(pk=device.pk)
    if credentials is not None:
        _forget_changes(row)
    before = place_of(row)
    place = before | {name: fields[name] for name in PLACE if name in fields}
    if credentials is not None:
        credentials.check()
        fields |= {
            "auth": credentials.auth,
            "secret": credentials.sealed(place),
            "factory_password": None,
            "problem": "",  # it may have been about the ones before
        }
    elif place != before:
        raise SecretNeeded(needed(row.auth, before))
    _refuse_other_networks(row, place["host"], fields)
    named = [name for name in fields if name not in ("factory_password", "problem")]
    changed = dict(fields)
    if "tags" in changed:
        set_tags(row, changed.pop("tags"))
    if place != before or moves.way_changes(row, fields):
        # Another board, not contacted yet.
        changed |= {"reported_release": "", "reported_at": None, "problem": ""}
    for name, value in changed.items():
        setattr(device, name, value)
    device.save(update_fields=list(changed))
    if moves.way_of(device) != moves.way_of(row):
        moves.moved(device)
    if device.site != row.site:
        rerouting.reroute(device)
    verb = "device.host-key" if "host_key" in fields else "device.edit"
    audit.record(
        verb, device, detail=fields.get("host_key") or msg("changed: {fields}", fields=", ".join(named))
    )


def _refuse_other_networks(row: Device, host: str, fields: dict) -> None:
    """If the row is pointed elsewhere. At a site, its own workers have the limits. Raises NotAllowed."""
    jump, site = (fields.get(name, getattr(row, name)) for name in ("jump", "site"))
    if not site and (host != row.host or moves.way_changes(row, fields)):
        networks.check_entered(host, jump is not None)


def _forget_changes(device: Device) -> None:
    """Somebody entered the credentials: nothing is left to undo. Raises BoardError while one is under way."""
    live = device.access_changes.exclude(job__status__in=FINAL).first()
    if live is not None:
        raise BoardError(
            msg(
                "Job {pk} is changing the access to {name}: wait for it to end.",
                pk=live.job_id,
                name=device.name,
            )
        )
    device.access_changes.update(secret="", previous="")


@contextlib.contextmanager
def connect(device: Device, context: JobContext) -> Iterator[BoardConnection]:
    """A logged-in connection for a job; records its outcome on the device's row.

    Retries while the board is away for a moment. Raises BoardError with a sentence about what went wrong, on
    the way or inside the block, and Cancelled or TimedOut while waiting for the board.
    """
    problem = ""
    try:
        with _dial(device, context) as connection:
            Device.objects.filter(pk=device.pk).update(seen_at=timezone.now(), refused=False)
            watch.mark_online(device)
            connection.on_wait, connection.late_check = context.check, context.late_check
            yield connection
    except (BoardError, WrongKey) as error:
        # A camera has its own line on the device's page: everything else works.
        problem = "" if isinstance(error, CameraFailed) else str(error)
        if isinstance(error, Unreachable):
            watch.did_not_answer(device, problem)
        elif isinstance(error, WrongPassword):
            Device.objects.filter(pk=device.pk).update(refused=True)
        raise
    finally:
        Device.objects.filter(pk=device.pk).update(problem=problem)


def _dial(device: Device, context: JobContext) -> BoardConnection:
    def report_retry(error: BoardError, seconds: float) -> None:
        context.log(str(error))
        context.phase(
            msg(
                "connecting to {host}:{port} again in {seconds} s",
                host=device.host,
                port=device.port,
                seconds=f"{seconds:g}",
            )
        )

    delays = settings.SSH_RETRY_DELAYS
    return dial(lambda: sign_in(device, context.check), delays, context.check, report_retry)


# --- probe ------------------------------------------------------------------------------------


@transaction.atomic
def start_probe(device: Device, user) -> Job:
    """Queue a probe, or return one that is already queued or running."""
    device.probe_job = Device.objects.select_for_update().get(pk=device.pk).probe_job
    if device.probe_job and device.probe_job.is_active:
        return device.probe_job
    device.probe_job = jobs.submit("probe", device.team, user, **device.lane)
    device.save(update_fields=["probe_job"])
    return device.probe_job


def perform_probe(job: Job, context: JobContext) -> dict:
    device = job.probed_devices.get()
    profile = device.board_profile
    context.phase(msg("connecting to {host}:{port}", host=device.host, port=device.port))
    with connect(device, context) as connection:
        context.phase(msg("checking the board"))
        found = probing.probe(connection, profile)
        factory = _takes_factory_password(device)
    for sentence in found["problems"] + found["warnings"]:
        context.log(sentence)
    return {"probe": found, "factory_password": factory}


def _takes_factory_password(device: Device) -> bool | None:
    """None if boards of its kind have none, or if that cannot be found out."""
    default, secret = device.board_profile.default_password, stored(device)
    if not default or secret.password or device.factory_password is False:
        return is_factory_password(device, secret.password) if secret.password else device.factory_password
    try:  # it signs in by a key: whether anyone else still can by that password, only the board knows
        sign_in_with(device, Credentials(default)).close()
    except WrongPassword:
        return False
    except BoardError:
        return device.factory_password
    return True


def complete_probe(job: Job, result: dict) -> None:
    found = result["probe"]
    job.probed_devices.update(probe=found)
    if "factory_password" in result:
        job.probed_devices.update(factory_password=result["factory_password"])
    if found.get("python"):  # otherwise its current release would be unknown
        for device in job.probed_devices.all():
            running.record(device, found["current"])


# --- inference --------------------------------------------------------------------------------


def start_inference(device: Device, user, uploads) -> Inference:
    """Store the uploaded images and queue the inference.

    Raises InputError for an image that is invalid or too large, QuotaReached if the team may store no more or
    no more jobs may be queued.
    """
    size = inference_images.check(uploads)
    jobs.refuse_if_full(device.team)
    inference_images.refuse_without_room(device.team, size)
    inference = Inference.objects.create(
        device=device,
        team=device.team,
        created_by=user,
        release=device.current_release or "",
        job=None,
    )
    try:
        inference_images.store(inference, uploads)
        with transaction.atomic():
            inference.job = jobs.submit("infer", device.team, user, **device.lane)
            inference.save(update_fields=["job"])
            audit.record(
                "device.infer",
                device,
                actor=user,
                detail=msg_n("{count} image", "{count} images", len(uploads)),
            )
    except BaseException:
        inference_images.remove(inference)
        raise
    return inference


# --- hooks of the job machine ------------------------------------------------------------------


def claim_for_probe(job: Job) -> bool:
    """As other jobs on the device: two at once would mix up their releases."""
    device = job.probed_devices.first()
    return device is None or Device.objects.claim(device.pk, job)


def site_of_probe(job: Job) -> str:
    device = job.probed_devices.first()
    return device.site if device else ""


def replace_probe(old: Job, new: Job) -> None:
    if not Device.objects.filter(probe_job=old).update(probe_job=new):
        raise NothingLeft(old)


@transaction.atomic
def delete(device: Device) -> None:
    """Remove the device and its history. Refused while a job uses it or waits for it. Nothing on the board
    changes.
    """
    mine = Q(resource=device.resource, team=device.team) | Q(probed_devices=device)
    job = device.busy_with if device.busy_with and device.busy_with.is_active else None
    job = job or Job.objects.filter(mine, status__in=ACTIVE).first()
    if job is not None:
        raise IllegalTransition(
            msg("{name} is busy with job {pk}: cancel it first.", name=device.name, pk=job.pk)
        )
    audit.record("device.delete", device)
    inferences = list(device.inferences.values_list("pk", flat=True))
    device.delete()
    transaction.on_commit(lambda: inference_images.remove_files(inferences))
