"""Pages of an HTML list, newest first, by cursor: stable while rows are added. And parts of a list that has
an order of its own, by position.
"""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.numbers import whole_number

PAGE_SIZE = 50


@dataclass
class Page:
    rows: list
    first_url: str
    next_url: str
    has_previous_page: bool

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)

    @property
    def has_other_pages(self) -> bool:
        return self.has_previous_page or bool(self.next_url)


def page_of(rows, request, size: int = PAGE_SIZE) -> Page:
    """The page requested by ``?before=<id>``; other query parameters are kept."""
    before = whole_number(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    query = request.GET.copy()
    query.pop("before", None)
    first_url = f"{request.path}?{query.urlencode()}"
    next_url = ""
    if len(found) > size:
        found = found[:size]
        query["before"] = str(found[-1].pk)
        next_url = f"{request.path}?{query.urlencode()}"
    return Page(found, first_url, next_url, bool(before))


@dataclass
class Part:
    """``rows`` are numbers ``first`` to ``last`` of ``total``, from 1; the URLs lead to the neighbours."""

    rows: list
    first: int
    total: int
    previous_url: str = ""
    next_url: str = ""

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def part_of(rows, request, size: int = PAGE_SIZE, path: str = "") -> Part:
    """The part from position ``?from=<number>`` on, in the order of ``rows``; other parameters are kept.

    ``path`` is the page's, if the request is for one of its fragments.
    """
    total = rows.count()
    start = min(whole_number(request.GET.get("from", "")) or 1, max(total, 1)) - 1
    start -= start % size

    def url(position: int) -> str:
        query = request.GET.copy()
        query["from"] = str(position + 1)
        return f"{path or request.path}?{query.urlencode()}"

    part = Part(list(rows[start : start + size]), start + 1, total)
    part.previous_url = url(start - size) if start else ""
    part.next_url = url(start + size) if start + size < total else ""
    return part
