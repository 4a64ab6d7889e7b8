"""Slipway's own filters and tags; built into every template. HTML is in ``templates/core/_*.html``."""

from __future__ import annotations

from django import template
from django.utils import timezone

from portal.core import configs, menu
from portal.jobs import kinds

register = template.Library()

# value: (word, icon, Bootstrap colour). The last four are not a job's statuses but a page's.
STATUS = {
    "queued": ("Queued", "hourglass-split", "secondary"),
    "running": ("Running", "arrow-repeat", "primary"),
    "cancelling": ("Cancelling", "slash-circle", "warning"),
    "succeeded": ("Succeeded", "check-circle-fill", "success"),
    "failed": ("Failed", "x-octagon-fill", "danger"),
    "cancelled": ("Cancelled", "slash-circle", "secondary"),
    "waiting": ("Waiting", "circle", "secondary"),
    "skipped": ("Not asked for", "dash-circle", "secondary"),
    "reachable": ("Reachable", "check-circle-fill", "success"),
    "problem": ("Problem", "exclamation-triangle-fill", "danger"),
    "unknown": ("Not asked yet", "question-circle", "secondary"),
}
UNITS = ("bytes", "KB", "MB", "GB")


@register.inclusion_tag("core/_menu.html", takes_context=True)
def main_menu(context):
    """The bar's entries; the one that the page belongs to is marked."""
    return {"entries": menu.ENTRIES, "section": menu.section_of(context["request"])}


@register.inclusion_tag("core/_status.html")
def status(value, word=""):
    """A status as icon, word and colour."""
    known, icon, colour = STATUS[str(value)]
    return {"value": value, "word": word or known, "icon": icon, "colour": colour}


@register.inclusion_tag("core/_ago.html")
def ago(moment):
    """``3 minutes ago``, with the exact time on hover (in the reader's zone once times.js has run)."""
    return {"moment": moment, "words": _ago(moment) if moment else ""}


def _ago(moment) -> str:
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < 10:
        return "just now"
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 10)):
        if seconds >= size:
            # Seconds in tens: a page that nobody touches need not change every second.
            count = int(seconds // size) * (10 if unit == "second" else 1)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


@register.inclusion_tag("core/_elapsed.html")
def elapsed(job):
    """How long a job took, or has been running; the latter goes on counting in the browser."""
    return {"job": job, "ticking": bool(job and job.started_at and not job.finished_at)}


@register.simple_tag
def run_took(run):
    """Seconds from a run's start to its end, or to now, as words."""
    return duration(((run.finished_at or timezone.now()) - run.created_at).total_seconds())


@register.inclusion_tag("core/_field.html")
def field(bound):
    """One form field: label, widget, help, errors."""
    return {"field": bound, "kind": type(bound.field.widget).__name__}


@register.inclusion_tag("core/_virtual.html")
def virtual(device, engine=""):
    """The badge that keeps a virtual board from being taken for a real one; nothing for a real one."""
    return {"is_virtual": device.is_virtual, "engine": (engine or "").removeprefix("virtual: ")}


@register.inclusion_tag("core/_hash.html")
def shorthash(value):
    """The first 12 characters of a hash, the whole on hover."""
    return {"value": value}


@register.filter
def percent(fraction, decimals=2):
    """0.98611 → ``98.61 %``; a dash for what was not measured."""
    return "–" if fraction is None or fraction == "" else f"{100 * float(fraction):.{decimals}f} %"


@register.filter
def points(fraction):
    """A difference of two shares in percentage points: 0.0012 → ``0.12 points``."""
    return "–" if fraction is None or fraction == "" else f"{100 * float(fraction):.2f} points"


@register.filter
def duration(seconds):
    """75.4 → ``1 min 15 s``."""
    if seconds is None or seconds == "":
        return "–"
    seconds = float(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def bytesize(count):
    """1536 → ``1.5 KB`` (powers of 1024)."""
    if count is None or count == "":
        return "–"
    count = float(count)
    for unit in UNITS:
        if count < 1024 or unit == UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return ""


@register.filter
def milliseconds(value):
    return "–" if value is None or value == "" else f"{float(value):.1f} ms"


@register.filter
def size(pair):
    """[28, 28] → ``28 × 28``."""
    return " × ".join(str(side) for side in pair) if pair else "–"


@register.filter
def kind_title(job):
    return kinds.get(job.kind).title


@register.filter
def chip_title(name):
    return configs.chips().get(name, {}).get("title", name)


@register.filter
def recipe_title(name):
    return configs.recipes().get(name, {}).get("title", name)


@register.filter
def profile_title(name):
    return configs.boards().get(name, {}).get("title", name)


@register.filter
def preset_title(name):
    return configs.presets().get(name, {}).get("title", name) if name else "Own choice"


@register.filter
def item(mapping, key):
    """``mapping[key]``, or nothing."""
    return mapping.get(key, "") if mapping else ""
