"""Forms for registering devices and changing their access."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.core import configs, tags
from portal.core.forms import StyledForm
from portal.core.messages import shown
from portal.core.names import one_line
from portal.devices import access
from portal.devices.hosts import SITE_LENGTH, check_host, check_site
from portal.devices.models import Device, JumpHost
from portal.devices.services import Credentials
from workers.contract.messages import msg

SECRET = {"autocomplete": "new-password", "spellcheck": "false"}


class SecretForm(StyledForm):
    """A password or a private key, neither of which is ever shown again."""

    password = forms.CharField(
        required=False,
        max_length=1000,
        strip=False,
        label=_("Password"),
        widget=forms.PasswordInput(attrs=SECRET),
    )
    private_key = forms.CharField(
        required=False,
        max_length=20000,
        label=_("Private key instead of a password"),
        widget=forms.Textarea(
            attrs={"rows": 4, "placeholder": "-----BEGIN OPENSSH PRIVATE KEY-----"} | SECRET
        ),
        help_text=_("Ed25519, ECDSA or RSA. Stored encrypted, like a password; never shown again."),
    )
    passphrase = forms.CharField(
        required=False,
        max_length=1000,
        strip=False,
        label=_("Passphrase of the key"),
        widget=forms.PasswordInput(attrs=SECRET),
        help_text=_("Only if the key has one."),
    )

    def clean(self):
        data = super().clean()
        if data.get("password") and data.get("private_key"):
            self.add_errors({"private_key": msg("Give a password or a private key, not both.")})
        return data

    def credentials(self) -> Credentials | None:
        """The entered credentials; None if there are none."""
        data = self.cleaned_data
        if not data["password"] and not data["private_key"]:
            return None
        return Credentials(data["password"], data["private_key"], data["passphrase"])


class NewPasswordForm(StyledForm):
    """A board's new password, legible: a person has to be able to note it."""

    password = forms.CharField(
        max_length=access.LONGEST,
        strip=False,
        label=_("New password"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Note it now: it is stored encrypted and never shown again."),
    )


class JumpHostForm(SecretForm):
    """A jump host with its credentials, which are always entered."""

    name = forms.CharField(max_length=80, label=_("Name"), validators=[one_line])
    host = forms.CharField(
        max_length=255, label=_("Address"), help_text=_("IP number or host name."), validators=[check_host]
    )
    port = forms.IntegerField(min_value=1, max_value=65535, initial=22, label=_("SSH port"))
    username = forms.CharField(max_length=64, label=_("User"), validators=[one_line])
    host_key = forms.CharField(
        max_length=120,
        required=False,
        label=_("Expected host key"),
        help_text=_("Such as ssh-ed25519 SHA256:…. Empty: the key that a new host shows is pinned."),
        validators=[one_line],
    )
    field_order = ["name", "host", "port", "username", "password", "private_key", "passphrase", "host_key"]

    def clean(self):
        data = super().clean()
        if not data.get("password") and not data.get("private_key"):
            self.add_errors({"password": msg("Give a password or a private key.")})
        return data


class AccessForm(SecretForm):
    """Address and credentials. ``device`` is the one to change; None for a new one."""

    name = forms.CharField(max_length=80, label=_("Name"), validators=[one_line])
    host = forms.CharField(
        max_length=255, label=_("Address"), help_text=_("IP number or host name."), validators=[check_host]
    )
    port = forms.IntegerField(min_value=1, max_value=65535, initial=22, label=_("SSH port"))
    username = forms.CharField(max_length=64, initial="root", label=_("User"), validators=[one_line])
    jump = forms.ModelChoiceField(
        queryset=JumpHost.objects.none(),
        required=False,
        label=_("Through"),
        empty_label=_("directly"),
        help_text=_("A jump host, if this server cannot reach the board itself."),
    )
    site = forms.CharField(
        required=False,
        max_length=SITE_LENGTH,
        label=_("Site"),
        help_text=_("Only if workers at another place reach it: the name that they serve, such as harbour."),
        validators=[check_site],
    )
    tags = forms.CharField(
        required=False,
        max_length=1000,
        label=_("Tags"),
        help_text=_("Words to find it by, with commas between them."),
    )
    field_order = [
        "name", "host", "port", "username", "password", "private_key", "passphrase", "jump", "site", "tags",
    ]  # fmt: skip

    def __init__(self, *args, team, device: Device | None = None, **kwargs):
        self.team, self.device = team, device
        super().__init__(*args, **kwargs)
        self.fields["jump"].queryset = JumpHost.objects.for_team(team)
        if device is not None:
            self.fields["password"].help_text = _(
                "Leave it empty to keep the stored credentials. To change the address, port or user, "
                "enter them again."
            )

    def clean_tags(self):
        return tags.split(self.cleaned_data["tags"])

    def clean_name(self):
        name = self.cleaned_data["name"]
        same = Device.objects.for_team(self.team).filter(name=name)
        if self.device is not None:
            same = same.exclude(pk=self.device.pk)
        if same.exists():
            raise forms.ValidationError(msg("Your team has a device of this name: choose another."))
        return name

    def clean(self):
        data = super().clean()
        if self.device is None and not data.get("password") and not data.get("private_key"):
            self.add_errors({"password": msg("Give a password or a private key.")})
        return data


class DeviceForm(AccessForm):
    profile = forms.ChoiceField(label=_("Kind of board"))
    field_order = ["profile", *AccessForm.field_order]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["profile"].choices = [
            (name, shown(book.title)) for name, book in configs.boards().items()
        ]


class MultipleFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class InferForm(StyledForm):
    """Images to send to a device; read them with ``request.FILES.getlist("images")``."""

    images = forms.FileField(
        label=_("Images"),
        widget=MultipleFileInput(attrs={"multiple": True, "accept": "image/*"}),
        help_text=_("One or several. They are turned upright and to 8 bits, then sent as they are."),
    )
