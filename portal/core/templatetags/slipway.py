"""Slipway's own template filters and tags, built into every template. Their HTML is in
``templates/core/_*.html``.
"""

from __future__ import annotations

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext
from django.utils.translation import gettext as _

from portal.core import configs, words
from portal.core.messages import shown

register = template.Library()

# value: (word, icon, Bootstrap colour). The last twelve are not job statuses; pages use them.
STATUS = {
    "queued": (gettext_lazy("Queued"), "hourglass-split", "secondary"),
    "running": (gettext_lazy("Running"), "arrow-repeat", "primary"),
    "cancelling": (gettext_lazy("Cancelling"), "slash-circle", "warning"),
    "succeeded": (gettext_lazy("Succeeded"), "check-circle-fill", "success"),
    "failed": (gettext_lazy("Failed"), "x-octagon-fill", "danger"),
    "cancelled": (gettext_lazy("Cancelled"), "slash-circle", "secondary"),
    "review": (gettext_lazy("Needs review"), "question-circle-fill", "warning"),
    "blocked": (gettext_lazy("Blocked"), "x-octagon-fill", "danger"),
    "waiting": (gettext_lazy("Waiting"), "circle", "secondary"),
    "skipped": (gettext_lazy("Skipped"), "dash-circle", "secondary"),
    "fit": (gettext_lazy("Fit"), "check-circle-fill", "success"),
    "warning": (gettext_lazy("Warning"), "exclamation-triangle-fill", "warning"),
    "refused": (gettext_lazy("Not fit"), "x-octagon-fill", "danger"),
    "rolled-back": (gettext_lazy("Rolled back"), "exclamation-triangle-fill", "warning"),
    "away": (gettext_lazy("Away, tried again"), "hourglass-split", "warning"),
    "paused": (gettext_lazy("Paused"), "hourglass-split", "warning"),
    "halted": (gettext_lazy("Halted"), "x-octagon-fill", "danger"),
    "undoing": (gettext_lazy("Going back"), "arrow-repeat", "primary"),
    "undone": (gettext_lazy("Undone"), "check-circle-fill", "secondary"),
    "aborted": (gettext_lazy("Aborted"), "slash-circle", "secondary"),
    "reachable": (gettext_lazy("Reachable"), "check-circle-fill", "success"),
    "problem": (gettext_lazy("Problem"), "exclamation-triangle-fill", "danger"),
    "unsure": (gettext_lazy("Unsure"), "question-circle-fill", "warning"),
    "unknown": (gettext_lazy("Not checked yet"), "question-circle", "secondary"),
}
UNITS = (gettext_lazy("bytes"), "KB", "MB", "GB")


@register.inclusion_tag("core/_status.html")
def status(value, word=""):
    """A status as icon, word and colour."""
    known, icon, colour = STATUS[str(value)]
    return {"value": value, "word": word or known, "icon": icon, "colour": colour}


@register.inclusion_tag("core/_ago.html")
def ago(moment):
    """``3 minutes ago``, with the exact time as a tooltip (in the reader's zone once times.js has run)."""
    return {"moment": moment, "words": _ago(moment) if moment else ""}


def _ago(moment) -> str:
    seconds = int((timezone.now() - moment).total_seconds())
    if seconds < 10:
        return _("just now")
    if seconds < 60:
        # In tens: an idle page need not change every second.
        return _("%(count)s seconds ago") % {"count": seconds // 10 * 10}
    if seconds < 3600:
        count, words = seconds // 60, ngettext("%(count)s minute ago", "%(count)s minutes ago", seconds // 60)
    elif seconds < 86400:
        count, words = seconds // 3600, ngettext("%(count)s hour ago", "%(count)s hours ago", seconds // 3600)
    else:
        count, words = seconds // 86400, ngettext("%(count)s day ago", "%(count)s days ago", seconds // 86400)
    return words % {"count": count}


@register.inclusion_tag("core/_elapsed.html")
def elapsed(job):
    """The duration of a job, or its time so far, which keeps counting in the browser."""
    return {"job": job, "ticking": bool(job and job.started_at and not job.finished_at)}


@register.simple_tag
def run_took(run):
    """Seconds from a run's start to its end, or to now, in words."""
    return duration(((run.finished_at or timezone.now()) - run.created_at).total_seconds())


@register.inclusion_tag("core/_field.html")
def field(bound):
    """One form field: label, widget, help, errors."""
    return {"field": bound, "kind": type(bound.field.widget).__name__}


@register.inclusion_tag("core/_virtual.html")
def virtual(device, engine=""):
    """The badge that tells a virtual board from a real one; empty for a real one."""
    return {"is_virtual": device.is_virtual, "engine": (engine or "").removeprefix("virtual: ")}


@register.inclusion_tag("core/_hash.html")
def shorthash(value):
    """The first 12 characters of a hash, with the whole hash as a tooltip."""
    return {"value": value}


@register.filter
def percent(fraction, decimals=2):
    """0.98611 → ``98.61 %``; a dash if not measured."""
    return "–" if fraction is None or fraction == "" else f"{100 * float(fraction):.{decimals}f} %"


@register.filter
def share(fraction):
    """A share that a person chose, with the decimals that it needs: 0.6 → ``60 %``, 0.999 → ``99.9 %``."""
    return f"{round(100 * fraction, 4):g} %"


@register.filter
def points(fraction):
    """A difference of two shares in percentage points: 0.0012 → ``0.12 points``."""
    if fraction is None or fraction == "":
        return "–"
    return _("%(count)s points") % {"count": f"{round(100 * float(fraction), 2) + 0.0:.2f}"}  # no -0.00


@register.filter
def duration(seconds):
    """75.4 → ``1 min 15 s``."""
    if seconds is None or seconds == "":
        return "–"
    seconds = float(seconds)
    if seconds < 10:
        return _("%(seconds)s s") % {"seconds": f"{seconds:.1f}"}
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    return _("%(seconds)s s") % {"seconds": rest}


@register.filter
def roughly(seconds):
    """An estimated time: ``about 12 min``. It changes at most once a minute."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return _("less than a minute")
    if minutes < 90:
        return _("about %(minutes)s min") % {"minutes": minutes}
    hours = round(minutes / 60)
    if hours < 48:
        return _("about %(hours)s h") % {"hours": hours}
    days = round(hours / 24)
    return ngettext("about %(days)s day", "about %(days)s days", days) % {"days": days}


@register.filter
def bytesize(count):
    """1536 → ``1.5 KB`` (powers of 1024)."""
    if count is None or count == "":
        return "–"
    count = float(count)
    for unit in UNITS:
        if count < 1024 or unit == UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == UNITS[0] else f"{count:.1f} {unit}"
        count /= 1024
    return ""


@register.filter
def milliseconds(value):
    """13.62 → ``13.6 ms``, 0.034 → ``0.034 ms``."""
    if value is None or value == "":
        return "–"
    value = float(value)
    return f"{value:.2g} ms" if 0 < value < 1 else f"{value:.1f} ms"


@register.filter
def grouped(count):
    """1204332 → ``1,204,332``, in every language."""
    return "–" if count in (None, "") else f"{count:,}"


@register.filter
def millions(count):
    """1204332 → ``1.2``, 86592 → ``0.087``, 519204332 → ``519``."""
    if not count:
        return "–"
    return f"{count / 1e6:.0f}" if count >= 1e7 else f"{count / 1e6:.2g}"


@register.filter
def dimensions(shape):
    """[1, 3, "H", None] → ``1×3×H×?``; a dash for a tensor without any, or of unknown shape."""
    return "×".join("?" if one is None else str(one) for one in shape) if shape else "–"


@register.filter
def size(pair):
    """[28, 28] → ``28 × 28``."""
    return " × ".join(str(side) for side in pair) if pair else "–"


@register.filter
def chip_title(name):
    return shown(configs.title(configs.chips(), name))


@register.filter
def augmentation_title(name):
    return shown(configs.title(configs.augmentations(), name))


@register.filter
def recipe_title(name):
    if not name:
        return _("imported model")
    return shown(configs.title(configs.recipes(), name))


@register.filter
def profile_title(name):
    return shown(configs.title(configs.boards(), name))


@register.filter
def preset_title(name):
    if not name:
        return _("Own choice")
    return shown(configs.title(configs.presets(), name))


register.filter("shown", shown)


@register.simple_tag
def colon():
    """The separator between a label and its value."""
    return pgettext("between a word and what it says", ": ")


@register.simple_tag
def other_languages():
    """The other languages of the site: pairs of code and name."""
    return [(code, name) for code, name in settings.LANGUAGES if code != get_language()]


@register.simple_tag
def script_words():
    """The texts of the scripts, in the reader's language."""
    return words.of_scripts(get_language() or settings.LANGUAGE_CODE)


@register.filter
def item(mapping, key):
    """``mapping[key]``, or empty."""
    return mapping.get(key, "") if mapping else ""
