"""Why an upload cannot go on. Each message is one sentence for the person who sends it."""

from __future__ import annotations


class UploadRefused(Exception):
    """The base of all refusals."""


class TooLarge(UploadRefused):
    """More bytes than the server, the team or the upload itself allows."""


class NoRoom(UploadRefused):
    """The server's disk is full."""


class WrongOffset(UploadRefused):
    """The bytes do not go on where the upload stands."""


class Busy(UploadRefused):
    """Another connection is appending just now."""


class WrongChecksum(UploadRefused):
    """What arrived is not what was sent."""


class Expired(UploadRefused):
    """Nothing came for too long, and what was there is gone."""


class Missing(UploadRefused):
    """The upload was discarded."""


class InUse(UploadRefused):
    """The upload has become a version of a dataset."""


class NotWhole(UploadRefused):
    """A part of the upload is still to come."""


class NameTaken(Exception):
    """The team has a dataset of this name already."""


class NotInReview(Exception):
    """The version does not wait for a person: it is ready, being checked, refused or deleted."""


# What each becomes in an answer of the API; those of tus are the protocol's.
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
