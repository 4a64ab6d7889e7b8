"""Live parts of pages: fragments that ask for themselves again until what they show is final.

A fragment carries the digest of its own text. The server answers 204 while nothing changed, so that
nothing on the page is replaced under the reader's hands, and leaves the polling out of the last one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

# What differs from one rendering to the next without meaning another thing: the masked token, and
# words about time, which page.js keeps right by itself.
_VARIES = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"|(?<=class="ago">)[^<]*|(?<=data-ticks>)[^<]*')


def digest(text: str) -> str:
    text = _VARIES.sub("", text)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Live:
    """One live part: ``body`` is rendered HTML, ``active`` whether it will change by itself.

    ``state`` names the stage of what is shown; when it changes, the answer also brings ``others``,
    rendered ``hx-swap-oob`` parts of the page that only change from stage to stage.
    """

    name: str
    url: str
    body: SafeString
    active: bool
    state: str = ""
    others: list = field(default_factory=list)  # functions that render, called only when needed

    @property
    def seen(self) -> str:
        return digest(self.body)

    def __str__(self) -> SafeString:
        return render_to_string("core/_live.html", {"live": self})

    __html__ = __str__

    def response(self, request) -> HttpResponse:
        """The answer to a poll: 204 when the page already shows this."""
        same_state = request.GET.get("state", "") == self.state
        if same_state and self.active and request.GET.get("seen") == self.seen:
            return HttpResponse(status=204)
        parts = [str(self)]
        if not same_state:
            parts += [render() for render in self.others]
        return HttpResponse(mark_safe("\n".join(parts)))  # noqa: S308 - every part is a rendered template
