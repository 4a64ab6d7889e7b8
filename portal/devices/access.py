"""Changes how a board is signed in to: a key instead of the password, another password, and back.

Each change is a job. It stores the new credentials beside the device's, changes the board, signs in with
them, and only then makes them the device's. Whatever fails, the earlier ones stay; if the job is killed in
the middle, the next contact tries both (``credentials.sign_in``).

Each device has a key of its own: whoever gets hold of one opens one board, and one can be withdrawn alone.
"""

from __future__ import annotations

import dataclasses
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from portal.devices import authorizing, services
from portal.devices.connection import BoardConnection
from portal.devices.credentials import (
    Credentials,
    SecretNeeded,
    adopt,
    is_factory_password,
    place_of,
    sign_in_with,
    stored,
    unsealed,
)
from portal.devices.models import AccessAction, AccessChange, Device
from portal.jobs import services as jobs
from portal.jobs.context import JobContext
from portal.jobs.models import FINAL, IllegalTransition, Job, NothingLeft
from portal.teams import audit
from workers.contract import InputError
from workers.contract.messages import msg

KIND = "access"
SHORTEST, LONGEST = 8, 100  # characters of a new password
# Without those that people mix up when they copy it by hand.
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GENERATED = 16  # characters: 93 bits
CHANGE_SECONDS = 120.0


class BadPassword(InputError):
    """The new password is not one that a board can take."""

    def __init__(self, sentence: str):
        super().__init__(sentence)
        self.fields = {"password": sentence}


def generate_password() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(GENERATED))


def check_password(device: Device, password: str) -> None:
    """Raise BadPassword unless it can be the device's new one."""
    if not (SHORTEST <= len(password) <= LONGEST and password.isascii() and password.isprintable()):
        raise BadPassword(
            msg("Choose {least} to {most} letters, digits and signs of ASCII.", least=SHORTEST, most=LONGEST)
        )
    if is_factory_password(device, password):
        raise BadPassword(msg("This is the factory password of these boards: choose another."))


# --- starting ---------------------------------------------------------------------------------


@transaction.atomic
def install_key(device: Device, user) -> AccessChange:
    """Queue the installation of a new key pair for the device. Raises IllegalTransition."""
    row = _free(device)
    private, public = new_key(f"slipway-device-{row.pk}")
    new = Credentials(private_key=private)
    return _start(row, user, AccessAction.KEY, new, public_key=public, previous=row.secret)


@transaction.atomic
def change_password(device: Device, user, password: str) -> AccessChange:
    """Queue the change of the board's password. Raises BadPassword, IllegalTransition."""
    check_password(device, password)
    row = _free(device)
    now, known = stored(row), _known_password(row)
    new = dataclasses.replace(now, password=password)
    previous = dataclasses.replace(now, password=known).sealed(place_of(row)) if known else ""
    return _start(row, user, AccessAction.PASSWORD, new, previous=previous)


def _known_password(device: Device) -> str:
    """The board's password; after a key was installed, the one that signed in before. "" if unknown."""
    installed = device.access_changes.filter(action=AccessAction.KEY, undone_at=None).exclude(done_at=None)
    before = next((unsealed(device, change.previous) for change in installed if change.previous), None)
    return stored(device).password or (before.password if before else "")


@transaction.atomic
def undo(device: Device, user) -> AccessChange:
    """Queue the way back from the newest change. Raises IllegalTransition if there is none."""
    row = _free(device)
    last = undoable(row)
    if last is None:
        raise IllegalTransition(msg("{name} has no change of access that can be undone.", name=device.name))
    return _start(row, user, AccessAction.UNDO, unsealed(row, last.previous), undoes=last)


def undoable(device: Device) -> AccessChange | None:
    """The newest change that is in effect, if it can be undone."""
    changes = device.access_changes.exclude(action=AccessAction.UNDO).exclude(done_at=None)
    last = changes.filter(undone_at=None).first()
    return last if last is not None and last.previous else None


def _free(device: Device) -> Device:
    """The locked row, if no other change of its access is under way."""
    row = Device.objects.select_for_update().get(pk=device.pk)
    live = under_way(row)
    if live is not None:
        raise IllegalTransition(
            msg("Job {pk} is changing the access to {name}: wait for it to end.", pk=live.pk, name=row.name)
        )
    return row


def under_way(device: Device) -> Job | None:
    changes = device.access_changes.exclude(job__status__in=FINAL).select_related("job")
    return next((change.job for change in changes), None)


def _start(device: Device, user, action: str, new: Credentials, **fields) -> AccessChange:
    change = AccessChange.objects.create(
        device=device,
        created_by=user,
        action=action,
        secret=new.sealed(place_of(device)),
        job=jobs.submit(KIND, device.team, user, **device.lane),
        **fields,
    )
    audit.record(f"device.{action}", device, actor=user, detail=fields.get("public_key", ""))
    return change


def new_key(comment: str) -> tuple[str, str]:
    """The private key in OpenSSH's form, and the line for the board's authorized keys."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), f"{public.decode()} {comment}"


# --- the job ----------------------------------------------------------------------------------


def perform(job: Job, context: JobContext) -> dict:
    change = AccessChange.objects.select_related("device__team", "undoes").get(job=job)
    device = change.device
    context.phase(msg("connecting to {host}:{port}", host=device.host, port=device.port))
    with services.connect(device, context) as connection:
        change.refresh_from_db(fields=["done_at"])
        if change.done_at is None:  # otherwise the sign-in found that an earlier attempt had succeeded
            device.access_changes.exclude(pk=change.pk).update(secret="")  # known by now to be without effect
            context.phase(msg("changing the board's access"))
            with connection.undisturbed(CHANGE_SECONDS):
                _CHANGES[change.action](connection, change, context)
    return {"change": change.pk}


def _install(connection: BoardConnection, change: AccessChange, context: JobContext) -> None:
    new = unsealed(change.device, change.secret)
    file = authorizing.add_key(connection, change.public_key, lambda: _prove(change.device, new))
    context.log(msg("The board accepts the key, which is in {file}.", file=file))


def _change(connection: BoardConnection, change: AccessChange, context: JobContext) -> None:
    device = change.device
    before = unsealed(device, change.previous) if change.previous else stored(device)
    old, new = before.password, unsealed(device, change.secret).password

    def prove(password: str) -> None:
        _prove(device, Credentials(password))

    authorizing.set_password(connection, device.username, old, new, prove)
    context.log(msg("The board accepts the new password."))


def _go_back(connection: BoardConnection, change: AccessChange, context: JobContext) -> None:
    if change.undoes.action == AccessAction.PASSWORD:
        return _change(connection, change, context)
    _prove(change.device, unsealed(change.device, change.secret))
    authorizing.remove_key(connection, change.undoes.public_key)
    context.log(msg("The board accepts the previous sign-in; the key was removed from it."))
    return None


_CHANGES = {AccessAction.KEY: _install, AccessAction.PASSWORD: _change, AccessAction.UNDO: _go_back}


def _prove(device: Device, secret: Credentials) -> None:
    """Sign in on a connection of its own. Raises BoardError, WrongPassword if the board refuses it."""
    sign_in_with(device, secret).close()


def complete(job: Job, result: dict) -> None:
    change = AccessChange.objects.select_related("device").get(job=job)
    try:
        adopt(change)
    except SecretNeeded:  # somebody pointed the row to another place meanwhile
        return
    services.start_probe(change.device, change.created_by)


def replace(old: Job, new: Job) -> None:
    """A retry; not if the new credentials are forgotten because others took their place."""
    if not AccessChange.objects.filter(job=old).exclude(secret="").update(job=new):
        raise NothingLeft(old)
