"""The words of ``authorization_table``: roles, scopes, and who may call an address."""

from dataclasses import dataclass, field

from portal.teams.models import Role, Scope

# What an answer says about the asker. A refusal of the content (400, 409, 415 …) is "allowed": the asker
# came so far.
ALLOWED, REFUSED, UNKNOWN, SIGN_IN, BROKEN = "allowed", "refused", "unknown", "sign in", "broken"
PUBLIC = "everybody"
SIGNED_IN = Role.VIEWER
SERVER = "server"  # administrators of the server: no role in a team makes one
VIEWER, MEMBER, OPERATOR, ADMIN = Role.VIEWER, Role.MEMBER, Role.OPERATOR, Role.ADMIN
READ, DATASETS, RUNS, DEPLOY, MANAGE = Scope.READ, Scope.DATASETS, Scope.RUNS, Scope.DEPLOY, Scope.ADMIN


@dataclass
class Rule:
    """Who may: from which role on, and, for the API, a token with which scopes."""

    role: str
    scopes: tuple = ()
    body: dict | bytes = field(default_factory=dict)
    format: str = "json"
    query: str = ""
    refused_below: str = ""  # with ``own``: lesser roles than this are told so before the row is looked for
    own: bool = False  # the row is somebody's own: lesser roles do not find it
    stranger: str = ""  # where it differs: UNKNOWN where there is a row, else ALLOWED


def look(role=VIEWER, scope=READ, **more):
    return Rule(role, (scope,), **more)


def change(role, *scopes, body=None, **more):
    return Rule(role, scopes, body or {}, **more)
