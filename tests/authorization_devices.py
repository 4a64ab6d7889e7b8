"""The part of ``authorization_table`` on how boards are reached and signed in to."""

from tests.authorization_rules import DEPLOY, OPERATOR, VIEWER, Rule, change, look

DEVICES_API = {
    "GET jump-hosts/": look(),
    "POST jump-hosts/": change(OPERATOR, DEPLOY),
    "GET jump-hosts/{pk}/": look(),
    "DELETE jump-hosts/{pk}/": change(OPERATOR, DEPLOY),
    "GET devices/{pk}/access/": look(),
    "POST devices/{pk}/access/key/": change(OPERATOR, DEPLOY),
    "POST devices/{pk}/access/password/": change(OPERATOR, DEPLOY),
    "POST devices/{pk}/access/undo/": change(OPERATOR, DEPLOY),
}

DEVICES_PAGES = {
    "GET inference-detail": Rule(VIEWER),
    "GET inference-live": Rule(VIEWER),
    "GET inference-coco": Rule(VIEWER),
    "GET inference-image": Rule(VIEWER),
    "GET device-host-key": Rule(OPERATOR),
    "POST device-host-key": Rule(OPERATOR),
    "GET jump-host-list": Rule(VIEWER),
    "GET jump-host-new": Rule(OPERATOR),
    "POST jump-host-new": Rule(OPERATOR),
    "POST jump-host-remove": Rule(OPERATOR),
    "GET device-access": Rule(OPERATOR),
    "GET device-access-live": Rule(OPERATOR),
    "POST device-install-key": Rule(OPERATOR),
    "POST device-change-password": Rule(OPERATOR),
    "POST device-undo-access": Rule(OPERATOR),
}
