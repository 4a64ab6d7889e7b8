"""Ed25519 signatures (RFC 8032, section 5.1.7), verified with Python's standard library alone."""

from __future__ import annotations

import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT = pow(2, (PRIME - 1) // 4, PRIME)  # of -1

Point = tuple[int, int, int, int]  # extended coordinates: X, Y, Z and X·Y/Z


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of the key, 32 bytes, signed the message; the signature has 64 bytes."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    owner, nonce = _point(public_key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if owner is None or nonce is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    return _same(_multiply(scalar, BASE), _add(nonce, _multiply(challenge, owner)))


def _point(encoded: bytes) -> Point | None:
    """The point with this encoding; None if there is none."""
    number = int.from_bytes(encoded, "little")
    y, sign = number & (2**255 - 1), number >> 255
    return None if y >= PRIME else _with_y(y, sign)


def _with_y(y: int, sign: int) -> Point | None:
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % PRIME
    b = (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c = 2 * one[3] * other[3] * CURVE % PRIME
    d = 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def _multiply(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _same(one: Point, other: Point) -> bool:
    return not (
        (one[0] * other[2] - other[0] * one[2]) % PRIME or (one[1] * other[2] - other[1] * one[2]) % PRIME
    )


_BASE = _with_y(4 * pow(5, -1, PRIME) % PRIME, 0)
assert _BASE is not None
BASE: Point = _BASE
