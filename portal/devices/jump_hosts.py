"""Jump hosts of a team: set, removed."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError

from portal.devices.credentials import Credentials
from portal.devices.errors import BoardError
from portal.devices.hostkeys import HostKey
from portal.devices.models import JumpHost
from portal.devices.services import shown_host_key
from portal.jobs.models import IllegalTransition
from portal.teams import audit
from workers.contract.messages import msg


class AnotherKey(BoardError):
    """The jump host shows another key than the expected one."""

    code = "another-host-key"

    def __init__(self, found: HostKey):
        sentence = msg(
            "The host shows {found}: compare it with the one printed there by ssh-keygen -lf, then give it "
            "as the expected host key.",
            found=found,
        )
        super().__init__(sentence)
        self.fields = {"host_key": sentence}


def put(
    team,
    user,
    *,
    name: str,
    host: str,
    port: int,
    username: str,
    credentials: Credentials,
    host_key: str = "",
) -> tuple[JumpHost, bool]:
    """Make the jump host, or replace the one with this name; return it and whether it is new.

    The key that it shows is pinned: the expected one, if ``host_key`` names one, or that of a new host.
    Raises AnotherKey, and BoardError for an unreachable host or a bad private key.
    """
    credentials.check()
    found = shown_host_key(team, host, port)
    known = JumpHost.objects.for_team(team).filter(name=name, host=host, port=port).first()
    expected = host_key or (known.host_key if known else "")
    if expected and expected.split()[-1] != found.fingerprint:
        raise AnotherKey(found)
    place = {"host": host, "port": port, "username": username, "host_key": str(found)}
    fields = {**place, "auth": credentials.auth, "secret": credentials.sealed(place)}
    with transaction.atomic():
        row, made = JumpHost.objects.update_or_create(
            team=team, name=name, defaults=fields, create_defaults={**fields, "created_by": user}
        )
        audit.record("jump-host.set", row, actor=user, detail=f"{host}:{port}, {found}")
    return row, made


@transaction.atomic
def remove(row: JumpHost, user) -> None:
    """Raises IllegalTransition while devices are behind it."""
    if not JumpHost.objects.select_for_update().filter(pk=row.pk).exists():
        return  # somebody else removed it
    audit.record("jump-host.remove", row, actor=user)
    try:
        row.delete()
    except ProtectedError:
        names = ", ".join(row.devices.values_list("name", flat=True)[:5])
        raise IllegalTransition(
            msg(
                "These devices are reached through {name}: {devices}. Change how they are reached first.",
                name=row.name,
                devices=names,
            )
        ) from None
