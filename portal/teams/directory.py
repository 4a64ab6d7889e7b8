"""The directory (LDAP): a name and a password, checked by binding as the person, and their groups.

TLS is verified, every answer has a deadline, and a server that does not answer is no wrong password. What a
person types is escaped, and an empty password, which many directories accept as anonymous, is never sent.
"""

from __future__ import annotations

import logging
import ssl
from urllib.parse import urlsplit

from django.conf import settings
from ldap3 import BASE, NONE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn, parse_dn

from portal.teams.deadlines import Conversations
from portal.teams.identities import Claims, NotAccepted
from workers.contract.messages import msg

log = logging.getLogger(__name__)
ISSUER = "ldap"
TOTAL_SECONDS = 10.0
CONNECT_SECONDS, ANSWER_SECONDS = 4, 6
INVALID_CREDENTIALS, NO_SUCH_OBJECT, SUCCESS = 49, 32, 0
MOST_GROUPS = 1000
LONGEST = 256  # of a typed name
AWAY = msg(
    "The company's directory cannot be reached now. Try again in a moment, or sign in with an account of "
    "this server."
)
_conversations = Conversations("directory")


class Away(Exception):
    """The directory cannot be used now."""


class _Tls(Tls):
    """Python's own check of certificate and host name; the library's is from before Python 3.4."""

    def wrap_socket(self, connection, do_handshake=False):
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)


def check(username: str, password: str) -> Claims | None:
    """Who this is; None for a wrong name or password. Raises Away or NotAccepted."""
    username = username.strip()
    if not password or not username or len(username) > LONGEST or not username.isprintable():
        return None
    try:
        return _conversations.within(TOTAL_SECONDS, lambda: _check(username, password))
    except NotAccepted:
        raise
    except Exception as error:  # whatever its answers do to the library
        log.warning("The directory %s cannot be used: %s: %s", settings.LDAP_URL, type(error).__name__, error)
        raise Away(AWAY) from error


def _check(username: str, password: str) -> Claims | None:
    if settings.LDAP_USER_DN:
        dn = settings.LDAP_USER_DN.replace("{username}", escape_rdn(username))
        with _bound(dn, password) as connection:
            return _claims(connection, dn, username) if connection else None
    with _bound(settings.LDAP_BIND_DN, settings.LDAP_BIND_PASSWORD) as connection:
        if connection is None:
            raise LDAPException("it refuses LDAP_BIND_DN and its password")
        dn = _find(connection, username)
        if dn is None or not _may_bind(dn, password):
            return None
        return _claims(connection, dn, username)


class _bound:
    """A connection that is bound as ``dn``, for a with-statement; None if the password is wrong."""

    def __init__(self, dn: str, password: str):
        parts = urlsplit(settings.LDAP_URL)
        is_tls = parts.scheme == "ldaps"
        tls = _Tls(ca_certs_file=str(settings.COMPANY_CA_FILE) if settings.COMPANY_CA_FILE else None)
        port = parts.port or (636 if is_tls else 389)
        server = Server(
            parts.hostname, port, use_ssl=is_tls, tls=tls, get_info=NONE, connect_timeout=CONNECT_SECONDS
        )
        self.starts_tls = not is_tls and settings.LDAP_STARTTLS and not settings.LDAP_WITHOUT_TLS
        self.connection = Connection(
            server,
            dn or None,
            password or None,
            receive_timeout=ANSWER_SECONDS,
            auto_referrals=False,
            read_only=True,
            check_names=False,
        )

    def __enter__(self) -> Connection | None:
        self.connection.open()
        if self.starts_tls:
            self.connection.start_tls()
        if self.connection.bind():
            return self.connection
        result = self.connection.result
        if result["result"] not in (INVALID_CREDENTIALS, NO_SUCH_OBJECT):
            raise LDAPException(f"bind: {result['description']} {result['message']}"[:300])
        return None

    def __exit__(self, *error) -> None:
        self.connection.unbind()


def _may_bind(dn: str, password: str) -> bool:
    with _bound(dn, password) as connection:
        return connection is not None


def _find(connection: Connection, username: str) -> str | None:
    """The one entry of this name. Two of them are a fault of the filter: nobody is let in."""
    wanted = settings.LDAP_USER_FILTER.replace("{username}", escape_filter_chars(username))
    rows = _search(connection, settings.LDAP_SEARCH_BASE, wanted, SUBTREE, [], most=2)
    if len(rows) > 1:
        log.warning("The directory has several entries for %s: make LDAP_USER_FILTER narrower.", wanted)
    return rows[0]["dn"] if len(rows) == 1 else None


def _search(connection, base: str, wanted: str, scope, attributes: list[str], most: int = 0) -> list[dict]:
    """The entries found. Raises LDAPException; finding none is no fault."""
    connection.search(
        base, wanted, scope, attributes=attributes or ["1.1"], size_limit=most, time_limit=ANSWER_SECONDS
    )
    if connection.result["result"] not in (SUCCESS, NO_SUCH_OBJECT, 4):  # 4: more than ``most``
        raise LDAPException(f"search: {connection.result['description']}")
    return [row for row in connection.response or [] if row["type"] == "searchResEntry"]


def _claims(connection: Connection, dn: str, username: str) -> Claims:
    names = [settings.LDAP_ID_ATTRIBUTE, settings.LDAP_GROUP_ATTRIBUTE, "mail"]
    rows = _search(connection, dn, "(objectClass=*)", BASE, names)
    if not rows:
        raise LDAPException(f"{dn} cannot read its own entry, nor LDAP_BIND_DN")
    values = {name.lower(): [_text(one) for one in many] for name, many in rows[0]["raw_attributes"].items()}
    subject = (values.get(settings.LDAP_ID_ATTRIBUTE.lower()) or [""])[0]
    if not subject:
        log.warning("The entry %s has no %s: set LDAP_ID_ATTRIBUTE.", dn, settings.LDAP_ID_ATTRIBUTE)
        raise NotAccepted(msg("The company account has no usable identifier: ask its administrator."))
    groups = values.get(settings.LDAP_GROUP_ATTRIBUTE.lower(), []) + _groups_of(connection, dn)
    return Claims(
        issuer=ISSUER,
        subject=subject,
        name=username.partition("@")[0],
        email=(values.get("mail") or [""])[0],
        groups=frozenset(name for group in groups for name in _names(group)),
    )


def _groups_of(connection: Connection, dn: str) -> list[str]:
    """The groups that name the person, in a directory where people do not name their groups."""
    if not settings.LDAP_GROUP_BASE:
        return []
    wanted = settings.LDAP_GROUP_FILTER.replace("{dn}", escape_filter_chars(dn))
    rows = _search(connection, settings.LDAP_GROUP_BASE, wanted, SUBTREE, [], most=MOST_GROUPS)
    return [row["dn"] for row in rows]


def _names(group: str) -> list[str]:
    """GROUP_ROLES can name a group by its whole DN or by the first part: ``cn=staff,…`` is ``staff``."""
    try:
        return [group, parse_dn(group)[0][1]]
    except LDAPException:
        return [group]


def _text(value: bytes) -> str:
    """A value as text; bytes that are none, such as Active Directory's objectGUID, in hexadecimal digits."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()
