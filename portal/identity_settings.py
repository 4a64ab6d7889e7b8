"""Settings of company accounts and second factors: all of it is off by default."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from portal import env

_ROLES = {
    "viewer": "viewer", "member": "member", "operator": "operator", "admin": "admin",
    "administrator": "admin",
}  # fmt: skip
_LOCAL = ("localhost", "127.0.0.1", "::1")


def _secret(name: str, value: str, file: Path | None) -> str:
    """A secret from the variable, or from the file that NAME_FILE names."""
    if file is None:
        return value
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise env.SettingError(f"{name}_FILE cannot be read: {error}.") from None


def _group_roles(text: str) -> dict[str, dict[str, str]]:
    """``{group: {team: role}}`` of the JSON in GROUP_ROLES."""
    example = '{"vision-admins": {"team": "Vision", "role": "administrator"}}'
    wrong = env.SettingError(f"GROUP_ROLES must be JSON like {example}.")
    try:
        given = json.loads(text or "{}")
    except ValueError:
        raise wrong from None
    if not isinstance(given, dict):
        raise wrong
    return {group: dict(_grant(one, wrong) for one in _as_list(grants)) for group, grants in given.items()}


def _as_list(grants) -> list:
    return grants if isinstance(grants, list) else [grants]


def _grant(one, wrong: env.SettingError) -> tuple[str, str]:
    if not isinstance(one, dict) or set(one) != {"team", "role"} or not isinstance(one["team"], str):
        raise wrong
    if one["role"] not in _ROLES:
        words = "viewer, member, operator or administrator"
        raise env.SettingError(f"GROUP_ROLES: a role is {words}, not {one['role']!r}.")
    return one["team"], _ROLES[one["role"]]


def _refuse_plain_http(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise env.SettingError(f"{name} must begin with https://, not {url!r}.")


# --- for both kinds of company accounts --------------------------------------------------------
GROUP_ROLES = _group_roles(env.text("GROUP_ROLES"))
# After this long, a company account signs in again and its groups are read again.
COMPANY_SESSION_SECONDS = env.integer("COMPANY_SESSION_HOURS", 12, least=1) * 3600
COMPANY_CA_FILE = env.path("COMPANY_CA_FILE")  # signs the certificates of the provider and the directory
if COMPANY_CA_FILE and not COMPANY_CA_FILE.is_file():
    raise env.SettingError(f"COMPANY_CA_FILE must be a file of certificates, not {str(COMPANY_CA_FILE)!r}.")
# Who may still use a password of the portal; empty for everybody.
PASSWORD_ACCOUNTS = env.names("PASSWORD_ACCOUNTS", "")

# --- OpenID Connect ----------------------------------------------------------------------------
OIDC_ISSUER = env.text("OIDC_ISSUER")
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = _secret(
    "OIDC_CLIENT_SECRET", env.text("OIDC_CLIENT_SECRET"), env.path("OIDC_CLIENT_SECRET_FILE")
)
OIDC_NAME = env.text("OIDC_NAME", "company account")  # on the button of the sign-in page
OIDC_SCOPES = env.text("OIDC_SCOPES", "openid profile email")
OIDC_GROUPS_CLAIM = env.text("OIDC_GROUPS_CLAIM", "groups")
if OIDC_ISSUER:
    _refuse_plain_http("OIDC_ISSUER", OIDC_ISSUER)
    if not OIDC_CLIENT_ID:
        raise env.SettingError("OIDC_ISSUER is set, but not OIDC_CLIENT_ID: name the client.")
    if "openid" not in OIDC_SCOPES.split():
        raise env.SettingError("OIDC_SCOPES must hold openid.")

# --- directory ---------------------------------------------------------------------------------
LDAP_URL = env.text("LDAP_URL")
LDAP_STARTTLS = env.boolean("LDAP_STARTTLS", True)
LDAP_WITHOUT_TLS = env.boolean("LDAP_WITHOUT_TLS", False)
LDAP_BIND_DN = env.text("LDAP_BIND_DN")
LDAP_BIND_PASSWORD = _secret(
    "LDAP_BIND_PASSWORD", env.text("LDAP_BIND_PASSWORD"), env.path("LDAP_BIND_PASSWORD_FILE")
)
LDAP_USER_DN = env.text("LDAP_USER_DN")  # a template, instead of a search
LDAP_SEARCH_BASE = env.text("LDAP_SEARCH_BASE")
LDAP_USER_FILTER = env.text("LDAP_USER_FILTER") or "(uid={username})"
LDAP_ID_ATTRIBUTE = env.text("LDAP_ID_ATTRIBUTE", "entryUUID")
LDAP_GROUP_ATTRIBUTE = env.text("LDAP_GROUP_ATTRIBUTE", "memberOf")
LDAP_GROUP_BASE = env.text("LDAP_GROUP_BASE")
LDAP_GROUP_FILTER = env.text("LDAP_GROUP_FILTER") or "(member={dn})"
if LDAP_URL:
    if urlsplit(LDAP_URL).scheme not in ("ldap", "ldaps") or not urlsplit(LDAP_URL).hostname:
        raise env.SettingError(f"LDAP_URL must be like ldaps://ldap.example.org, not {LDAP_URL!r}.")
    if not LDAP_USER_DN and not LDAP_SEARCH_BASE:
        raise env.SettingError("LDAP_URL is set: set LDAP_SEARCH_BASE or LDAP_USER_DN as well.")
    if LDAP_USER_DN and "{username}" not in LDAP_USER_DN:
        raise env.SettingError("LDAP_USER_DN must hold {username}.")
    if not LDAP_USER_DN and "{username}" not in LDAP_USER_FILTER:
        raise env.SettingError("LDAP_USER_FILTER must hold {username}.")
    if not (LDAP_URL.startswith("ldaps:") or LDAP_STARTTLS or LDAP_WITHOUT_TLS):
        raise env.SettingError(
            "Without TLS the directory's passwords can be read on the network: set LDAP_STARTTLS=yes or use "
            "ldaps://. LDAP_WITHOUT_TLS=yes insists."
        )

# --- second factor -----------------------------------------------------------------------------
SECOND_FACTOR = env.text("SECOND_FACTOR", "off")
if SECOND_FACTOR not in ("off", "optional", "required"):
    raise env.SettingError(f"SECOND_FACTOR must be off, optional or required, not {SECOND_FACTOR!r}.")

AUTHENTICATION_BACKENDS = [
    "portal.teams.backends.NamedAccounts"
    if PASSWORD_ACCOUNTS
    else "django.contrib.auth.backends.ModelBackend",
    *(["portal.teams.backends.Directory"] if LDAP_URL else []),
    *(["portal.teams.backends.Provider"] if OIDC_ISSUER else []),
]
