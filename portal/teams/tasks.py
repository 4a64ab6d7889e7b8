"""Celery tasks."""

from portal.celery import app
from portal.teams import audit
from portal.teams.forms import ForgottenForm


@app.task
def sweep_audit() -> None:
    """Before: tokens' calls of any age. After: none older than the setting allows."""
    audit.sweep_calls()


@app.task
def send_password_links(email: str, host: str, is_https: bool) -> None:
    """Before: someone requested a new password. After: each account of this address got a mail."""
    form = ForgottenForm({"email": email})
    if form.is_valid():
        form.send_links(host, is_https)
