"""Mails with password-reset links.

A worker sends them, so that the response takes as long for an unknown address and does not wait for the mail
server.
"""

from __future__ import annotations

from kombu.exceptions import OperationalError

from portal.teams import tasks


def order(email: str, host: str, is_https: bool) -> None:
    """Send a link to the accounts with this address, if any. ``host`` is the portal's, for the link.

    Without a broker it is sent immediately.
    """
    try:
        tasks.send_password_links.apply_async([email, host, is_https], retry=False)
    except OperationalError:
        tasks.send_password_links(email, host, is_https)
