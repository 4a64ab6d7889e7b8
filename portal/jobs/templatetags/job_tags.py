"""Template filters for jobs, built into every template."""

from __future__ import annotations

from django import template

from portal.core.messages import shown
from portal.jobs import kinds

register = template.Library()


@register.filter
def kind_title(job):
    """The title of a job's kind, in the reader's language."""
    return shown(kinds.get(job.kind).title)
