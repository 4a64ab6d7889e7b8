"""Signatures are those of Standard Webhooks: its own library for receivers accepts them."""

import base64
import json
import subprocess
import time

import pytest
from django.conf import settings

from portal.core.encryption import WrongKey
from portal.notify import signing

VERIFY = """
import json, sys
from standardwebhooks import Webhook

secret, headers, body = json.load(sys.stdin)
print(json.dumps(Webhook(secret).verify(body, headers)))
"""
LIBRARY = [
    str(settings.BASE_DIR / ".tools" / "bin" / "uv"),
    *("run", "--quiet", "--no-project", "--with", "standardwebhooks==1.1.0", "python", "-c", VERIFY),
]


def verified(secret: str, headers: dict[str, str], body: bytes):
    """What the library reads from a delivery, or None where it refuses it."""
    given = json.dumps([secret, headers, body.decode()])
    done = subprocess.run(LIBRARY, input=given, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 or "WebhookVerificationError" in done.stderr, done.stderr
    return json.loads(done.stdout) if done.returncode == 0 else None


@pytest.mark.generators
def test_the_library_of_standard_webhooks_accepts_a_delivery_and_refuses_a_changed_one():
    secret = signing.new_secret()
    body = json.dumps({"event": "run.failed", "team": "港口"}, ensure_ascii=False).encode()
    headers = signing.headers(signing.sealed(secret), "3f2c", int(time.time()), body)
    assert verified(secret, headers, body) == json.loads(body)
    assert verified(secret, headers, body + b" ") is None
    assert verified(signing.new_secret(), headers, body) is None


def test_a_delivery_is_signed_as_the_library_signs_it():
    """The secret and the signature were made by the library."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signing.headers(signing.sealed(secret), "3f2c", 1795505462, b'{"event": "test"}')
    assert headers == {
        "webhook-id": "3f2c",
        "webhook-timestamp": "1795505462",
        "webhook-signature": "v1,CaFd3tWR1W3gGayf1mL2ORM1amDF8KLwbdSLyoxGPP4=",
    }


def test_a_secret_is_what_the_standard_asks_for():
    secret = signing.new_secret()
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert secret != signing.new_secret()


@pytest.mark.parametrize("old", ["whsec_" + "a" * 43, "whsec_a-_a"])
def test_a_secret_of_an_earlier_release_is_to_be_made_anew(old):
    with pytest.raises(WrongKey, match="make a new one"):
        signing.headers(signing.sealed(old), "3f2c", 1795505462, b"{}")
