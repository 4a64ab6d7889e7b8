"""A sentence about a number of things has a form for one of them."""

import re

import pytest

from portal.ops.management.commands.messages import all_texts
from workers.contract.messages import counted, msg_n

# Places that hold a number of things, and that may be 1.
NUMBERS = "count|images|classes|boxes|files|rows|more|days|hours|epochs|number|answers"
SEVERAL = re.compile(
    rf"(?:\{{|%\()(?:{NUMBERS})(?:\}}|\)[sd]) (?:[A-Za-z0-9-]+ ){{0,3}}?"
    r"(?:[a-z]+[a-rt-z]s|classes|boxes|people|more|have|are|were)\b"
)
# No such number.
NO_NUMBER = re.compile(r"v%\(number\)s|[Jj]ob (?:%\(number\)s|\{number\})")
# A limit was passed, and that is more than one; a set of one class is not trained on.
NEVER_ONE = {
    "The zip holds {count} files, more than the {max_files} allowed: split them over several datasets.",
    "The ONNX model outputs {shapes} and the data set has {count} classes: convert with the data set "
    "version that it was trained on.",
    "a label that is not one of the {classes} classes",
    # As many as a page draws.
    "The %(count)s surest boxes are drawn; the COCO file has all.",
    # Decimals, and seconds by tens.
    "%(count)s points",
    "%(count)s seconds ago",
    "{number} seconds ago",
}


def test_a_number_of_things_has_a_form_for_one():
    texts = list(all_texts())
    ids = {text.msgid for text in texts}
    alone = {text.msgid for text in texts if not text.plural} - NEVER_ONE
    found = {text for text in alone if SEVERAL.search(text) and not NO_NUMBER.search(text)}
    # Our scripts choose between two texts by themselves.
    paired = {text for text in found if re.sub(r"(?<=x)es$|s( ago)?$", r"\1", text) in ids - {text}}
    assert sorted(found - paired) == []
    assert NEVER_ONE <= ids


@pytest.mark.parametrize(("count", "sentence"), [(1, "1 image ends early."), (3, "3 images end early.")])
def test_a_finding_takes_the_form_of_its_count_when_that_is_known(count, sentence):
    message = msg_n("{count} image ends early.", "{count} images end early.")
    assert message is msg_n("{count} image ends early.", "{count} images end early.")
    assert counted(message, count) == sentence
