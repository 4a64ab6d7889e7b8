"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

It is asked for after a password, of the portal or of the directory. API tokens do not need it, the OpenID
provider has its own, and the API takes no password of an account that has one.
"""

from __future__ import annotations

import base64
import os
import secrets
import time
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth import load_backend, login
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.core import encryption
from portal.teams import audit, sign_ins
from portal.teams.identity_models import SecondFactor
from portal.teams.models import Team, User

STEP, DIGITS = 30, 6
RECOVERY_CODES = 10
HELD = "held_sign_in"  # in the session: who gave a password and has yet to give a code
HELD_SECONDS = 300
NEW = "second_factor_new"  # in the session: the encrypted secret of a page that was not yet confirmed
DONE = "second_factor"  # in the session: whose second factor need not be looked for again


def is_offered() -> bool:
    return settings.SECOND_FACTOR != "off"


def of(user: User) -> SecondFactor | None:
    """The person's second factor; None if they have none or the server offers none."""
    return SecondFactor.objects.filter(user_id=user.pk).first() if is_offered() else None


def owners(people) -> set[int]:
    """Which of these users have one."""
    if not is_offered():
        return set()
    return set(SecondFactor.objects.filter(user__in=people).values_list("user_id", flat=True))


def is_demanded(team: Team | None) -> bool:
    """Whether a person who works in ``team`` must have one."""
    return settings.SECOND_FACTOR == "required" or (is_offered() and team is not None and team.second_factor)


def is_missing(user: User, team: Team | None, session) -> bool:
    """Whether this person must set one up first. Costs a query once a session."""
    if not is_demanded(team) or session.get(DONE) == user.pk:
        return False
    if of(user) is None:
        return True
    session[DONE] = user.pk
    return False


def note(request) -> None:
    """This session needs no further look: the person gave a code, or the provider vouches for them."""
    request.session[DONE] = request.user.pk


# --- the secret --------------------------------------------------------------------------------


def new_secret() -> str:
    return base64.b32encode(os.urandom(20)).decode()


def address(user: User, secret: str) -> str:
    """The ``otpauth`` address that the QR code holds."""
    label = quote(f"Slipway:{user.get_username()}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'Slipway'})}"


def code_at(secret: str, step: int) -> str:
    key = base64.b32decode(secret)
    totp = TOTP(key, DIGITS, SHA1(), STEP, enforce_key_length=False)  # noqa: S303 (what the apps compute)
    return totp.generate(step * STEP).decode()


def step_of(secret: str, code: str, after: int = 0) -> int | None:
    """The time step of a right code: this one, the one before or the next; None for a wrong or used code."""
    now = int(time.time()) // STEP
    steps = [step for step in (now - 1, now, now + 1) if step > after]
    return next((step for step in steps if constant_time_compare(code_at(secret, step), code)), None)


# --- setting it up and removing it -------------------------------------------------------------


@transaction.atomic
def enable(user: User, secret: str, step: int, session_key: str | None) -> list[str]:
    """Store it, sign other browsers out, and return the recovery codes, which are not stored."""
    codes = _new_codes()
    fields = {"sealed": encryption.seal({"secret": secret}), "last_step": step, "recovery": _hashes(codes)}
    SecondFactor.objects.update_or_create(user=user, defaults=fields)
    sign_ins.end(user.sign_ins.exclude(session_key=session_key or ""))
    audit.record("second-factor.enable", user)
    return codes


def renew_codes(factor: SecondFactor) -> list[str]:
    """New recovery codes in place of the old ones."""
    codes = _new_codes()
    SecondFactor.objects.filter(pk=factor.pk).update(recovery=_hashes(codes))
    audit.record("second-factor.codes", factor.user)
    return codes


def remove(user: User, team: Team | None = None) -> bool:
    """Remove it: the person's own decision or, with ``team``, an administrator's. False if there was none."""
    if not SecondFactor.objects.filter(user=user).delete()[0]:
        return False
    audit.record("second-factor.reset" if team else "second-factor.remove", user, team=team)
    return True


def _new_codes() -> list[str]:
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    texts = ["".join(secrets.choice(letters) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    return [f"{text[:4]}-{text[4:8]}-{text[8:]}" for text in texts]


def _hashes(codes: list[str]) -> list[str]:
    return [_hash(code) for code in codes]


def _hash(code: str) -> str:
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return salted_hmac("portal.teams.second_factor", plain, algorithm="sha256").hexdigest()


# --- codes -------------------------------------------------------------------------------------


@transaction.atomic
def use(user: User, code: str) -> bool:
    """Whether this is a code of the person's app or a recovery code. It works once."""
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None:
        return False
    code = "".join(code.split())
    if len(code) == DIGITS and code.isascii() and code.isdigit():
        return _use_step(factor, code)
    return _use_recovery(factor, code)


def _use_step(factor: SecondFactor, code: str) -> bool:
    step = step_of(encryption.unseal(factor.sealed)["secret"], code, after=factor.last_step)
    if step is None:
        return False
    factor.last_step = step
    factor.save(update_fields=["last_step"])
    return True


def _use_recovery(factor: SecondFactor, code: str) -> bool:
    hashed = _hash(code)
    if hashed not in factor.recovery:
        return False
    factor.recovery = [one for one in factor.recovery if one != hashed]
    factor.save(update_fields=["recovery"])
    audit.record("second-factor.recovery", factor.user, actor=factor.user)
    return True


# --- between password and code -----------------------------------------------------------------


def hold(request, user: User, next_url: str) -> None:
    """Keep in the session who gave a password, until the code. Nobody is signed in yet."""
    request.session.cycle_key()
    request.session[HELD] = {
        "user": user.pk,
        "backend": user.backend,
        "at": time.time(),
        "next": next_url,
        "hash": user.get_session_auth_hash(),  # another password ends it
    }


def held(request) -> User | None:
    """Who gave a password in this browser, at most five minutes ago; None if nobody did."""
    kept = request.session.get(HELD)
    if not kept or time.time() - kept["at"] > HELD_SECONDS:
        return None
    if kept["backend"] not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = load_backend(kept["backend"]).get_user(kept["user"])
    if user is None or not constant_time_compare(kept["hash"], user.get_session_auth_hash()):
        return None
    return user


def admit(request, user: User) -> str:
    """Sign in whoever was held; return where they wanted to go."""
    kept = request.session.pop(HELD)
    login(request, user, backend=kept["backend"])
    note(request)
    return kept["next"]
