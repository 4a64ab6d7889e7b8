"""What follows a new password, however it was set."""

from __future__ import annotations

from portal.teams import audit, sign_ins, tokens
from portal.teams.models import User
from workers.contract.messages import msg


def follow_up(user: User, verb: str, *, revoke_tokens: bool, session_keys: tuple = ()) -> int:
    """Sign other browsers out, end links, revoke tokens if requested; return how many tokens still work.

    Whoever knew the old password may have signed in with it, requested a link, or created a token, which does
    not depend on the password. ``session_keys`` belong to the browser that stays signed in; ``verb`` is for
    the audit.
    """
    sign_ins.end(user.sign_ins.exclude(session_key__in=[key for key in session_keys if key]))
    user.password_links.all().delete()
    working = list(tokens.alive(user))
    audit.record(verb, user, actor=user, detail=_words(len(working), revoke_tokens))
    if not revoke_tokens:
        return len(working)
    for token in working:
        tokens.revoke(token)
    return 0


def still_working(count: int) -> str:
    """The message for a person whose tokens outlived the old password."""
    return msg(
        "API tokens of yours that still work: {count}. They do not depend on the "
        "password: revoke them on the page API tokens if somebody else may have known it.",
        count=count,
    )


def _words(count: int, revoked: bool) -> str:
    if not count:
        return ""
    return (
        msg("API tokens revoked: {count}", count=count)
        if revoked
        else msg("API tokens that go on working: {count}", count=count)
    )
