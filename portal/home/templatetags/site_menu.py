"""The bar's menu; built into every template."""

from __future__ import annotations

from django import template

from portal.home import menu

register = template.Library()


@register.inclusion_tag("home/_menu.html", takes_context=True)
def main_menu(context):
    """The bar's entries; the one that the page belongs to is marked."""
    return {"entries": menu.ENTRIES, "section": menu.section_of(context["request"])}
