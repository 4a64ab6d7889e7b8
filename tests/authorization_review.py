"""The lines of ``authorization_table`` for applications on boards, and images that come back from them."""

from tests.authorization_rules import DATASETS, DEPLOY, MEMBER, OPERATOR, VIEWER, Rule, change, look

API = {
    "GET device-apps/": look(),
    "POST device-apps/": change(OPERATOR, DEPLOY),
    "GET device-apps/{pk}/": look(),
    "GET device-apps/{pk}/package/": look(),
    **{
        f"POST device-apps/{{pk}}/{act}/": change(OPERATOR, DEPLOY)
        for act in ("start", "stop", "refresh", "remove")
    },
    "GET review-items/": look(),
    "GET review-items/{pk}/": look(),
    "GET review-items/{pk}/image/": look(),
    **{
        f"POST review-items/{act}/": change(MEMBER, DATASETS)
        for act in ("{pk}/accept", "{pk}/discard", "{pk}/undo", "version")
    },
    "GET review-rules/": look(),
    "POST review-rules/": change(OPERATOR, DEPLOY, body={"below": 0.5}),
    "GET review-rules/{pk}/": look(),
    "DELETE review-rules/{pk}/": change(OPERATOR, DEPLOY),
}
PAGES = {
    "GET app-detail": Rule(VIEWER),
    "POST app-detail": Rule(OPERATOR),
    "GET app-live": Rule(VIEWER),
    "GET app-package": Rule(VIEWER),
    "POST app-act": Rule(OPERATOR),
    "GET review-list": Rule(VIEWER),
    "GET review-item": Rule(VIEWER),
    "GET review-image": Rule(VIEWER),
    "POST review-decide": Rule(MEMBER),
    "POST review-boxes": Rule(MEMBER),
    "GET review-draft": Rule(VIEWER),
    "POST review-version": Rule(MEMBER),
    "GET review-rules": Rule(OPERATOR),
    "POST review-rules": Rule(OPERATOR),
    "POST review-rule-remove": Rule(OPERATOR),
}
