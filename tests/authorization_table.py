"""Who may call what: a line for every endpoint and every page. ``test_authorization_matrix`` reads it.

A new address needs a line here: the least role and, for the API, the scopes that a token must have.
"""

from dataclasses import dataclass, field

from portal.teams.models import Role, Scope

# What an answer says about the asker. A refusal of the content (400, 409, 415 …) is "allowed": the asker
# came so far.
ALLOWED, REFUSED, UNKNOWN, SIGN_IN, BROKEN = "allowed", "refused", "unknown", "sign in", "broken"
PUBLIC = "everybody"
SIGNED_IN = Role.VIEWER
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


API = {
    "GET ": look(),
    "GET uploads/": look(),
    "POST uploads/": change(MEMBER, DATASETS),
    "GET uploads/{pk}/": look(),
    "HEAD uploads/{pk}/": look(),
    "PATCH uploads/{pk}/": change(
        "nobody", DATASETS, body=b"0123456789"
    ),  # only one's own, and it is another's
    "DELETE uploads/{pk}/": change(ADMIN, DATASETS),  # a member only one's own, and this one is another's
    "GET datasets/": look(),
    "POST datasets/": change(MEMBER, DATASETS, format="multipart"),
    "POST datasets/samples/digits/": change(MEMBER, DATASETS),
    "GET datasets/imports/": look(),
    "POST datasets/imports/": change(MEMBER, DATASETS),
    "GET datasets/{pk}/": look(),
    "PATCH datasets/{pk}/": change(MEMBER, DATASETS, body={"name": "Digits"}),
    "DELETE datasets/{pk}/": change(MEMBER, DATASETS),
    "POST datasets/{pk}/restore/": change(MEMBER, DATASETS),
    "GET dataset-versions/": look(),
    "GET dataset-versions/{pk}/": look(),
    "DELETE dataset-versions/{pk}/": change(MEMBER, DATASETS),
    "POST dataset-versions/{pk}/restore/": change(MEMBER, DATASETS),
    "GET dataset-versions/{pk}/reading/": look(),
    "POST dataset-versions/{pk}/confirm/": change(MEMBER, DATASETS),
    "POST dataset-versions/{pk}/reread/": change(MEMBER, DATASETS),
    "POST dataset-versions/{pk}/discard/": change(MEMBER, DATASETS),
    "GET dataset-versions/{pk}/diff/": look(),
    "GET dataset-versions/{pk}/images/": look(),
    "GET drafts/": look(MEMBER),
    "POST drafts/": change(MEMBER, DATASETS),
    # A draft is its maker's alone, and nobody here has one.
    "GET drafts/{pk}/": look("nobody", own=True, refused_below=MEMBER),
    **{
        f"{call} drafts/{{pk}}/{act}": change("nobody", DATASETS, own=True, refused_below=MEMBER)
        for call, act in [
            ("DELETE", ""),
            ("POST", "changes/"),
            ("POST", "undo/"),
            ("POST", "redo/"),
            ("POST", "commit/"),
        ]
    },
    "GET dataset-versions/{pk}/export/": look(query="?format=folders"),
    "GET runs/": look(),
    "POST runs/": change(OPERATOR, RUNS, DEPLOY),  # the body names a device
    "GET runs/compare/": look(),
    "GET runs/{pk}/": look(),
    "PATCH runs/{pk}/": change(MEMBER, RUNS, body={"notes": "The best so far."}),
    "POST runs/{pk}/clone/": change(OPERATOR, RUNS, DEPLOY),  # the run has devices
    "POST runs/{pk}/cancel/": change(OPERATOR, RUNS, DEPLOY),  # the run has devices
    "POST runs/{pk}/retry/": change(OPERATOR, RUNS, DEPLOY),
    "GET runs/{pk}/report/": look(),
    "GET history/": look(),
    "GET provenance/": look(query="?sha256=0123abcd"),
    "GET jobs/": look(),
    "GET jobs/{pk}/": look(),
    "POST jobs/{pk}/cancel/": change(OPERATOR, RUNS, DEPLOY),  # a step of such a run
    "POST jobs/{pk}/retry/": change(OPERATOR, RUNS, DEPLOY),
    "POST jobs/{pk}/move/": change(ADMIN, MANAGE, body={"to": "first"}),
    "POST jobs/{pk}/priority/": change(ADMIN, MANAGE, body={"priority": 1}),
    "GET queue/": look(),
    "GET jobs/{pk}/events/": look(),
    "GET jobs/{pk}/files/": look(),
    "GET jobs/{pk}/files/{name}": look(),
    "GET jobs/{pk}/log/": look(),
    "GET jobs/{pk}/metrics/": look(),
    "GET models/": look(),
    "GET models/{pk}/": look(),
    "GET evaluations/": look(),
    "GET evaluations/{pk}/": look(),
    "GET compiled-models/": look(),
    "GET compiled-models/{pk}/": look(),
    "GET compiled-models/{pk}/cost/": look(),
    "GET devices/": look(),
    "POST devices/": change(OPERATOR, DEPLOY),
    "GET devices/{pk}/": look(),
    "DELETE devices/{pk}/": change(OPERATOR, DEPLOY),
    "PATCH devices/{pk}/": change(OPERATOR, DEPLOY),
    "GET devices/{pk}/host-key/": Rule(OPERATOR, (READ, DEPLOY)),  # to look is a connection to the board
    "POST devices/{pk}/host-key/": change(OPERATOR, DEPLOY),
    "GET devices/{pk}/inferences/": look(),
    "POST devices/{pk}/inferences/": change(OPERATOR, DEPLOY),
    "POST devices/{pk}/probe/": change(OPERATOR, DEPLOY),
    "GET inferences/": look(),
    "GET inferences/{pk}/": look(),
    "GET inferences/{pk}/images/{position}/": look(),
    "GET deployments/": look(),
    "POST deployments/": change(OPERATOR, DEPLOY),
    "GET deployments/{pk}/": look(),
    "GET recipes/": look(),
    "GET chips/": look(),
    "GET board-profiles/": look(),
    "GET me/": look(),
    "PATCH me/": change(VIEWER, MANAGE),
    "POST me/password/": change(VIEWER, MANAGE),
    "GET sign-ins/": look(VIEWER, MANAGE),
    "DELETE sign-ins/{pk}/": change("nobody", MANAGE, own=True),
    "POST sign-ins/end-others/": change(VIEWER, MANAGE),
    "GET teams/": look(),
    "POST teams/": change("server administrator", MANAGE, body={"name": "Dock"}, stranger=REFUSED),
    "PATCH teams/{pk}/": change(ADMIN, MANAGE, body={"name": "Dock"}),
    "GET limits/": look(),
    "PUT limits/": change(ADMIN, MANAGE, body={"running_train": 1}),
    "GET notifications/": look(),
    "POST notifications/read-all/": change(VIEWER, RUNS),
    "POST notifications/{pk}/read/": change(ADMIN, RUNS, own=True),
    "GET notification-choices/": look(),
    "PUT notification-choices/": change(VIEWER, RUNS, body=[]),
    "GET webhooks/": look(ADMIN, MANAGE),
    "POST webhooks/": change(ADMIN, MANAGE),
    "GET webhooks/{pk}/": look(ADMIN, MANAGE),
    "PATCH webhooks/{pk}/": change(ADMIN, MANAGE, body={"name": "Chat"}),
    "DELETE webhooks/{pk}/": change(ADMIN, MANAGE),
    "POST webhooks/{pk}/test/": change(ADMIN, MANAGE),
    "POST webhooks/{pk}/secret/": change(ADMIN, MANAGE),
    "GET webhooks/{pk}/deliveries/": look(ADMIN, MANAGE),
    "POST webhooks/{pk}/deliveries/{number}/again/": change(ADMIN, MANAGE),
    "GET members/": look(),
    "GET members/{pk}/": look(),
    "PATCH members/{pk}/": change(ADMIN, MANAGE, body={"role": "viewer"}),
    "DELETE members/{pk}/": change(ADMIN, MANAGE),
    "POST members/{pk}/reset-link/": change(ADMIN, MANAGE),
    "GET invitations/": look(ADMIN, MANAGE),
    "POST invitations/": change(ADMIN, MANAGE, body={"role": "viewer"}),
    "DELETE invitations/{pk}/": change(ADMIN, MANAGE),
    "GET tokens/": look(VIEWER, MANAGE),
    "POST tokens/": change(VIEWER, MANAGE, body={"name": "CI", "scopes": ["read"]}),
    "GET tokens/{pk}/": look(ADMIN, MANAGE, own=True),
    "DELETE tokens/{pk}/": change(ADMIN, MANAGE, own=True),
    "GET audit/": look(ADMIN, MANAGE),
    "GET schema/": Rule(PUBLIC),
}

PAGES = {
    "GET api-docs": Rule(SIGNED_IN),
    "GET home": Rule(VIEWER),
    "GET home-live": Rule(VIEWER),
    "POST language": Rule(PUBLIC),
    "GET sign-in": Rule(PUBLIC),
    "POST sign-in": Rule(PUBLIC),
    "POST sign-out": Rule(SIGNED_IN),
    "GET account": Rule(SIGNED_IN),
    "POST account": Rule(SIGNED_IN),
    "GET password-change": Rule(SIGNED_IN),
    "POST password-change": Rule(SIGNED_IN),
    "GET password-forgotten": Rule(PUBLIC),
    "POST password-forgotten": Rule(PUBLIC),
    "GET password-reset": Rule(PUBLIC),
    "POST password-reset": Rule(PUBLIC),
    "GET sign-in-list": Rule(SIGNED_IN),
    "POST sign-in-end": Rule("nobody", own=True),
    "POST sign-in-end-others": Rule(SIGNED_IN),
    "GET invitation": Rule(PUBLIC),
    "POST invitation": Rule(PUBLIC),
    "GET team-members": Rule(VIEWER),
    "POST team-member-role": Rule(ADMIN),
    "GET team-member-remove": Rule(ADMIN),
    "POST team-member-remove": Rule(ADMIN),
    "POST team-member-reset-link": Rule(ADMIN),
    "POST team-invitation-new": Rule(ADMIN),
    "POST team-invitation-withdraw": Rule(ADMIN),
    "GET team-limits": Rule(VIEWER),
    "POST team-limits": Rule(ADMIN),
    "GET notification-list": Rule(VIEWER),
    "POST notification-read-all": Rule(VIEWER),
    "POST notification-open": Rule(ADMIN, own=True),
    "GET notification-choices": Rule(VIEWER),
    "POST notification-choices": Rule(VIEWER),
    "GET webhook-list": Rule(ADMIN),
    "POST webhook-list": Rule(ADMIN),
    "GET webhook-detail": Rule(ADMIN),
    "POST webhook-detail": Rule(ADMIN),
    "POST webhook-switch": Rule(ADMIN),
    "POST webhook-test": Rule(ADMIN),
    "POST webhook-secret": Rule(ADMIN),
    "GET webhook-delete": Rule(ADMIN),
    "POST webhook-delete": Rule(ADMIN),
    "POST webhook-redeliver": Rule(ADMIN),
    "GET team-settings": Rule(ADMIN),
    "POST team-settings": Rule(ADMIN),
    "GET team-new": Rule("server administrator", stranger=REFUSED),
    "POST team-new": Rule("server administrator", stranger=REFUSED),
    "POST team-switch": Rule(VIEWER, stranger=UNKNOWN),
    "GET token-list": Rule(VIEWER),
    "POST token-list": Rule(VIEWER),
    "POST token-revoke": Rule(ADMIN, own=True),
    "GET audit-list": Rule(ADMIN),
    "GET audit-csv": Rule(ADMIN),
    "GET history": Rule(VIEWER),
    "GET job-list": Rule(VIEWER),
    "GET job-list-live": Rule(VIEWER),
    "GET job-detail": Rule(VIEWER),
    "GET job-live": Rule(VIEWER),
    "GET job-log": Rule(VIEWER),
    "GET job-metrics": Rule(VIEWER),
    "POST job-cancel": Rule(MEMBER),
    "POST job-move": Rule(ADMIN),
    "POST job-priority": Rule(ADMIN),
    "POST job-retry": Rule(OPERATOR),  # a step of a run with devices
    "GET artifact-download": Rule(VIEWER),
    "GET dataset-list": Rule(VIEWER),
    "GET dataset-new": Rule(MEMBER),
    "POST dataset-new": Rule(MEMBER),
    "GET dataset-import": Rule(MEMBER),
    "POST dataset-import": Rule(MEMBER),
    "POST dataset-digits": Rule(MEMBER),
    "GET dataset-deleted-list": Rule(VIEWER),
    "GET dataset-rename": Rule(MEMBER),
    "POST dataset-rename": Rule(MEMBER),
    "GET dataset-delete": Rule(MEMBER),
    "POST dataset-delete": Rule(MEMBER),
    "POST dataset-restore": Rule(MEMBER),
    "GET dataset-version-delete": Rule(MEMBER),
    "POST dataset-version-delete": Rule(MEMBER),
    "POST dataset-version-restore": Rule(MEMBER),
    "POST dataset-review-confirm": Rule(MEMBER),
    "POST dataset-review-reread": Rule(MEMBER),
    "POST dataset-review-discard": Rule(MEMBER),
    "GET dataset-detail": Rule(VIEWER),
    "GET dataset-version": Rule(VIEWER),
    "GET dataset-version-live": Rule(VIEWER),
    "GET dataset-export": Rule(VIEWER),
    "GET dataset-diff": Rule(VIEWER),
    "GET dataset-images": Rule(VIEWER),
    "POST dataset-images": Rule(MEMBER),
    "GET dataset-image-page": Rule(VIEWER),
    "POST dataset-image-page": Rule(MEMBER),
    "GET dataset-changes": Rule(MEMBER),
    "POST dataset-changes": Rule(MEMBER),
    # A draft is its maker's alone, and nobody here has one.
    "POST dataset-commit": Rule("nobody", own=True, refused_below=MEMBER),
    "POST dataset-discard": Rule("nobody", own=True, refused_below=MEMBER),
    "GET dataset-image": Rule(VIEWER),
    "GET dataset-thumb": Rule(VIEWER),
    "POST upload-discard": Rule("nobody", own=True, refused_below=MEMBER),
    "GET run-list": Rule(VIEWER),
    "GET run-new": Rule(MEMBER),
    "POST run-new": Rule(MEMBER),
    "GET run-detail": Rule(VIEWER),
    "GET run-live": Rule(VIEWER),
    "GET run-report": Rule(VIEWER),
    "POST run-cancel": Rule(OPERATOR),
    "POST run-retry": Rule(OPERATOR),
    "GET run-clone": Rule(MEMBER),
    "POST run-clone": Rule(MEMBER),
    "GET run-edit": Rule(MEMBER),
    "GET run-compare": Rule(VIEWER),
    "GET run-compare-curves": Rule(VIEWER),
    "POST run-edit": Rule(MEMBER),
    "GET model-list": Rule(VIEWER),
    "GET device-list": Rule(VIEWER),
    "GET device-new": Rule(OPERATOR),
    "POST device-new": Rule(OPERATOR),
    "GET device-detail": Rule(VIEWER),
    "GET device-live": Rule(VIEWER),
    "POST device-probe": Rule(OPERATOR),
    "POST device-infer": Rule(OPERATOR),
    "GET device-edit": Rule(OPERATOR),
    "POST device-edit": Rule(OPERATOR),
    "GET device-host-key": Rule(OPERATOR),
    "POST device-host-key": Rule(OPERATOR),
    "GET device-delete": Rule(OPERATOR),
    "POST device-delete": Rule(OPERATOR),
    "GET inference-detail": Rule(VIEWER),
    "GET inference-live": Rule(VIEWER),
    "GET inference-image": Rule(VIEWER),
}
