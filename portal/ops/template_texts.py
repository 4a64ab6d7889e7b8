"""Extracts translatable texts from templates, parsed as Django does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template import engines
from django.template.base import Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import trim_whitespace

from portal.ops.extraction import Text

_ARGUMENT = re.compile(r"""_\((?:"([^"]+)"|'([^']+)')\)""")


def template_files() -> Iterator[Path]:
    """The project's templates: pages, fragments and mails."""
    for path in sorted(Path(settings.BASE_DIR, "portal").glob("*/templates/**/*.*")):
        if path.is_file():
            yield path


def of_template(path: Path) -> Iterator[Text]:
    """The translatable texts of one template. Raises TemplateSyntaxError as Django does."""
    source = path.read_text(encoding="utf-8")
    yield from of_source(source, path.relative_to(settings.BASE_DIR).as_posix())


def of_source(source: str, place: str) -> Iterator[Text]:
    """As ``of_template``, from a template's source."""
    nodes = Template(source, engine=engines["django"].engine).nodelist
    for node in nodes.get_nodes_by_type(TranslateNode):
        yield Text(_doubled(node.filter_expression.var.literal), place, _literal(node.message_context))
    for node in nodes.get_nodes_by_type(BlockTranslateNode):
        yield Text(
            _words(node, node.singular), place, _literal(node.message_context), _words(node, node.plural)
        )
    for found in _ARGUMENT.finditer(source):
        yield Text(_doubled(found.group(1) or found.group(2)), place)


def _doubled(text: str) -> str:
    """Django looks up a template's text with doubled percent signs."""
    return text.replace("%", "%%")


def _literal(context) -> str:
    return str(context.resolve({})) if context is not None else ""


def _words(node: BlockTranslateNode, tokens) -> str:
    text = node.render_token_list(tokens)[0] if tokens else ""
    return trim_whitespace(text) if node.trimmed else text
