"""A team's Ed25519 keys, which sign the evidence of its deployments. Private keys are stored encrypted."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.core.encryption import WrongKey, seal, unseal
from portal.deployment.models import SigningKey
from portal.teams import audit
from portal.teams.models import Team


def key_of(team: Team) -> SigningKey:
    """The team's newest key; the first one is made on first use."""
    return SigningKey.objects.filter(team=team).order_by("-pk").first() or _make(team)


def sign(team: Team, content: bytes) -> tuple[SigningKey, bytes]:
    """Sign with the team's key. If the server's encryption key was replaced, the team gets a new one."""
    key = key_of(team)
    try:
        private = unseal(key.sealed)["private"]
    except WrongKey:
        key = _make(team)
        private = unseal(key.sealed)["private"]
    return key, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private)).sign(content)


def _make(team: Team) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    key = SigningKey.objects.create(
        team=team,
        public=private.public_key().public_bytes_raw().hex(),
        sealed=seal({"private": private.private_bytes_raw().hex()}),
    )
    audit.record("evidence.key", key, team=team, label=key.fingerprint)
    return key
