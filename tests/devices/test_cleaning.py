import json

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.messages import shown
from portal.core.untrusted import MAX_LINE_BYTES, Malformed, clean_text, parse_json
from portal.devices.cleaning import clean_message

ANSWER = {"type": "answer", "image": "a.png", "label_id": 3, "label": "cat", "score": 0.9, "ms": 1.5}
# A slow machine is no fault of the cleaner's.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_an_answer_comes_through_as_it_was_said():
    assert clean_message(ANSWER) == ANSWER


@pytest.mark.parametrize(
    "changes",
    [
        {"label_id": True},
        {"label_id": -1},
        {"label_id": 10**30},
        {"label_id": "3"},
        {"label": None},
        {"score": float("nan")},
        {"score": float("inf")},
        {"score": 10**400},
        {"score": 1.1},
        {"ms": -1},
        {"image": ["a.png"]},
        {"error": {}},
    ],
    ids=str,
)
def test_an_answer_with_a_false_field_is_malformed(changes):
    with pytest.raises(Malformed):
        clean_message(ANSWER | changes)


def test_a_score_a_hair_above_one_is_one():
    assert clean_message(ANSWER | {"score": 1.0002})["score"] == 1.0


@patient
@given(
    st.sampled_from(["answer", "done", "error", "probe", "result", "other"]),
    st.dictionaries(st.text(), anything, max_size=5),
)
def test_whatever_a_board_says_is_malformed_or_can_be_stored(kind, fields):
    try:
        message = clean_message(fields | {"type": kind})
    except Malformed:
        return
    json.dumps(message, allow_nan=False).encode("utf-8")
    json.dumps(message, allow_nan=False, ensure_ascii=False).encode("utf-8")


@patient
@given(anything)
def test_facts_of_any_kind_are_malformed_or_can_be_stored(value):
    fields = ("current", "releases", "before", "bad", "removed", "library", "engine", "python", "virtual")
    for kind in ("result", "probe"):
        try:
            message = clean_message({"type": kind, "python": "3"} | dict.fromkeys(fields, value))
        except Malformed:
            continue
        json.dumps(message, allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a": NaN}', "Infinity", "9" * 5000, "x" * (MAX_LINE_BYTES + 1), '{"a"'],
    ids=["deep", "NaN", "Infinity", "digits", "long", "cut"],
)
def test_json_that_would_harm_is_malformed(text):
    with pytest.raises(Malformed):
        parse_json(text)


@patient
@given(st.text(alphabet=st.characters(), max_size=1000), st.integers(1, 50))
def test_a_text_is_short_and_without_control_characters(text, limit):
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert all(char.isprintable() or char.isspace() or ord(char) > 127 for char in cleaned)
    assert "\n" not in cleaned and "\x00" not in cleaned and "\x1b" not in cleaned
    cleaned.encode("utf-8")


def test_a_message_of_our_program_stays_a_message_with_clean_parameters():
    said = {"id": "{name} of the release is missing or damaged: deploy again.", "params": {"name": "a\x07b"}}
    message = clean_message({"type": "error", "code": "bad-release", "message": said})["message"]
    assert message == "ab of the release is missing or damaged: deploy again."
    with translation.override("zh-hans"):
        assert shown(message) == "发布包中的 ab 缺失或损坏：请重新部署。"


@pytest.mark.parametrize("id", ["Cancel\x1b[2J", "Cancel\u202e", "x" * 1500, " "])
def test_a_message_that_no_program_of_ours_says_is_plain_text(id):
    message = clean_message({"type": "error", "message": {"id": id, "params": {}}})["message"]
    assert type(message) is str and clean_text(message, 2000) == message


@pytest.mark.parametrize("value", [3, None, [], {"id": 3, "params": {}}, {"id": "x", "params": {"a": {}}}])
def test_what_is_neither_a_message_nor_a_text_is_malformed(value):
    with pytest.raises(Malformed):
        clean_message({"type": "error", "message": value})
