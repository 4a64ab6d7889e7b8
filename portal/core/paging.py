"""Pages of an HTML list, newest first, by cursor: stable while rows are added."""

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
