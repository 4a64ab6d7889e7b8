"""Mails with a link for a new password. A worker sends them, so that asking for one takes as long for an
address that nobody has, and does not wait for the mail server.
"""

from __future__ import annotations

from kombu.exceptions import OperationalError

from portal.teams import tasks


def order(email: str, host: str, is_https: bool) -> None:
    """Have a link sent to the accounts with this address, if any. ``host`` is the portal's, for the link.

    Without a broker it is sent at once.
    """
    try:
        tasks.send_password_links.apply_async([email, host, is_https], retry=False)
    except OperationalError:
        tasks.send_password_links(email, host, is_https)
