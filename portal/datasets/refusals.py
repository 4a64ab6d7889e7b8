"""Why an upload cannot continue. Each message is one sentence for its sender."""

from __future__ import annotations


class UploadRefused(Exception):
    """The base of all refusals."""


class TooLarge(UploadRefused):
    """More bytes than the server, the team or the upload itself allows."""


class NoRoom(UploadRefused):
    """The server's disk is full."""


class WrongOffset(UploadRefused):
    """The offset does not match the bytes received so far."""


class Busy(UploadRefused):
    """Another connection is appending now."""


class WrongChecksum(UploadRefused):
    """The received bytes do not match the checksum."""


class Expired(UploadRefused):
    """Nothing arrived for too long, and the bytes are gone."""


class Missing(UploadRefused):
    """The upload was discarded."""


class InUse(UploadRefused):
    """The upload has become a version of a dataset."""


class NotWhole(UploadRefused):
    """The upload is not complete."""


class NameTaken(Exception):
    """The team already has a dataset with this name."""


class NotInReview(Exception):
    """The version does not wait for a review: it is ready, being checked, refused or deleted."""


# Their API statuses; those of tus are defined by the protocol.
STATUSES = {
    TooLarge: 413,
    NoRoom: 507,
    WrongOffset: 409,
    Busy: 423,
    WrongChecksum: 460,
    Expired: 410,
    Missing: 404,
    InUse: 409,
    NotWhole: 409,
    NotInReview: 409,
}
