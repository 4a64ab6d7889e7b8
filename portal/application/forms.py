"""The form that installs the application."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.core.names import one_line

KINDS = [
    ("file", _("a file on the board")),
    ("mqtt", "MQTT"),
    ("serial", _("a serial port")),
    ("http", "HTTP"),
]
SPEEDS = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
NEEDED = {"mqtt": ("host", "topic"), "serial": ("device",), "http": ("url",), "file": ()}
FIELDS = {
    "mqtt": ("host", "port", "tls", "ca", "topic", "qos", "user"),
    "serial": ("device", "baud"),
    "http": ("url",),
    "file": (),
}
MOST_CA = 16_000  # characters
BARRED_IN_TOPIC = "+#"  # wildcards of subscribers


class AppForm(StyledForm):
    source = forms.ChoiceField(
        label=_("Images from"), choices=[("camera", _("the board's camera")), ("folder", _("a folder"))]
    )
    width = forms.IntegerField(label=_("Width"), min_value=16, max_value=2304, initial=640, step_size=8)
    height = forms.IntegerField(label=_("Height"), min_value=16, max_value=1296, initial=480, step_size=8)
    folder = forms.RegexField(
        r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$",
        label=_("Folder"),
        required=False,
        initial="pictures",
        help_text=_("Beside the releases on the board."),
    )
    every_ms = forms.IntegerField(
        label=_("Milliseconds between two images"), min_value=0, max_value=3_600_000, initial=200
    )
    only_changes = forms.BooleanField(
        required=False,
        label=_("Only changes"),
        help_text=_("Send a line only when the prediction changes."),
    )
    output = forms.ChoiceField(label=_("Predictions to"), choices=KINDS)
    host = forms.CharField(label=_("Broker"), required=False, max_length=255, validators=[one_line])
    port = forms.IntegerField(
        label=_("Port"),
        required=False,
        min_value=1,
        max_value=65535,
        help_text=_("Empty: 1883, or 8883 with TLS."),
    )
    tls = forms.BooleanField(
        required=False, label=_("TLS"), help_text=_("Encrypted; the broker's certificate is checked.")
    )
    ca = forms.CharField(
        label=_("CA certificate"),
        required=False,
        max_length=MOST_CA,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("Of the broker, as PEM text. Empty: those that the board trusts."),
    )
    topic = forms.CharField(label=_("Topic"), required=False, max_length=255, validators=[one_line])
    qos = forms.ChoiceField(
        label=_("Delivery"), required=False, choices=[("0", _("at most once")), ("1", _("at least once"))]
    )
    user = forms.CharField(label=_("User"), required=False, max_length=255, validators=[one_line])
    password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=255,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Empty: as stored."),
    )
    device = forms.RegexField(
        r"^/dev/[A-Za-z0-9_/-]{1,60}$", label=_("Serial port"), required=False, initial="/dev/ttyS1"
    )
    baud = forms.TypedChoiceField(
        label=_("Speed"), required=False, coerce=int, choices=[(n, n) for n in SPEEDS], initial=115200
    )
    url = forms.CharField(label=_("Address"), required=False, max_length=500, validators=[one_line])

    def clean_topic(self):
        topic = self.cleaned_data["topic"]
        if any(sign in topic for sign in BARRED_IN_TOPIC):
            raise forms.ValidationError(_("A topic to publish to has neither + nor #."))
        return topic

    def clean_ca(self):
        text = self.cleaned_data["ca"]
        if text and not _is_certificate(text):
            raise forms.ValidationError(
                _("Enter certificates as PEM text, from -----BEGIN CERTIFICATE----- on.")
            )
        return text

    def clean_url(self):
        url = self.cleaned_data["url"]
        if url and not _is_address(url):
            raise forms.ValidationError(_("Enter the full address, such as http://10.1.1.155:8000/seen."))
        return url

    def clean(self):
        data = super().clean()
        for name in NEEDED.get(data.get("output"), ()):
            if name not in self.errors and not data.get(name):
                self.add_error(name, _("This is needed for the chosen output."))
        return data

    @property
    def config(self) -> dict[str, Any]:
        """The settings as ``config.json`` has them, without the password."""
        data = self.cleaned_data
        camera = {"kind": "camera", "size": [data["width"], data["height"]]}
        folder = {"kind": "folder", "folder": data["folder"] or "pictures"}
        chosen = {name: data[name] for name in FIELDS[data["output"]] if data[name] not in (None, "", False)}
        if not chosen.get("tls"):
            chosen.pop("ca", None)
        if "qos" in chosen:
            chosen["qos"] = int(chosen["qos"])
        return {
            "source": camera if data["source"] == "camera" else folder,
            "every_ms": data["every_ms"],
            "only_changes": data["only_changes"],
            "outputs": [{"kind": data["output"], **chosen}],
        }


def _is_certificate(text: str) -> bool:
    """Whether it is one or more certificates, and no private key is among them."""
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return "PRIVATE KEY" not in text


def _is_address(url: str) -> bool:
    """Whether it is an address without a user and password in it: everybody in the team sees it."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def initial_of(config: dict[str, Any]) -> dict[str, Any]:
    """The form's initial values for stored settings."""
    source = config.get("source", {})
    output = next(iter(config.get("outputs", [])), {})
    width, height = source.get("size", (640, 480))
    found = {name: value for name, value in output.items() if name != "kind"}
    return {
        "source": source.get("kind", "camera"), "width": width, "height": height,
        "folder": source.get("folder", "pictures"), "every_ms": config.get("every_ms", 200),
        "only_changes": config.get("only_changes", False), "output": output.get("kind", "file"), **found,
    }  # fmt: skip
