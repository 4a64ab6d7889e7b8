"""The lines of ``authorization_table`` for rollouts and groups of devices."""

from tests.authorization_rules import DEPLOY, OPERATOR, VIEWER, Rule, change, look

API = {
    "GET rollouts/": look(),
    "POST rollouts/": change(OPERATOR, DEPLOY),
    "GET rollouts/{pk}/": look(),
    "GET rollouts/{pk}/boards/": look(),
    **{
        f"POST rollouts/{{pk}}/{act}/": change(OPERATOR, DEPLOY)
        for act in ("pause", "resume", "approve", "abort", "undo")
    },
    "GET device-groups/": look(),
    "POST device-groups/": change(OPERATOR, DEPLOY),
    "GET device-groups/{pk}/": look(),
    "DELETE device-groups/{pk}/": change(OPERATOR, DEPLOY),
}
PAGES = {
    "GET rollout-list": Rule(VIEWER),
    "GET rollout-new": Rule(OPERATOR),
    "POST rollout-new": Rule(OPERATOR),
    "GET rollout-detail": Rule(VIEWER),
    "GET rollout-live": Rule(VIEWER),
    "POST rollout-decide": Rule(OPERATOR),
    "GET group-list": Rule(VIEWER),
    "GET group-new": Rule(OPERATOR),
    "POST group-new": Rule(OPERATOR),
    "POST group-remove": Rule(OPERATOR),
}
