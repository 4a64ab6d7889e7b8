"""A message is an id with parameters; its sentence is made in the reader's language when it is shown."""

import copy
import json
import pickle
import re

import pytest
from django.utils import translation
from django.utils.functional import lazystr

from portal.core import messages
from portal.core.messages import loaded, shown, stored, word
from portal.runs.plan import PlanError
from tests.datasets.upload_builders import ingested, png, refused, two_classes, zipped
from tests.seed import everything
from workers.contract import InputError
from workers.contract.messages import Decoder, Encoder, Message, changed, from_json, join, msg, msg_n, places


@pytest.fixture
def chinese(monkeypatch):
    """A small catalogue instead of ours, so that a test says what it expects."""
    book = {
        "{name} is gone.": "{name} 已删除。",
        "{count} images are too small.": "{count} 张图片太小。",
        "The file is {kind}: {advice}": "该文件是{kind}：{advice}",
        "a RAR archive": "RAR 压缩包",
        "pack it anew.": "请重新打包。",
        "extracting": "正在解压",
        "{count} image": "{count} 张图片",
    }
    monkeypatch.setattr(messages, "gettext", lambda text: book.get(text, text))
    monkeypatch.setattr(messages, "ngettext", lambda one, many, count: book.get(one, one))
    monkeypatch.setattr(messages, "pgettext", lambda context, text: {"; ": "；", ", ": "、"}[text])


def again(value):
    """``value`` as a board, a program or the database gives it back."""
    return json.loads(json.dumps(value, cls=Encoder), cls=Decoder)


def test_a_message_is_its_english_sentence():
    message = msg("{count} images of {name} are too small.", count=3, name="Parts")
    assert message == "3 images of Parts are too small."
    assert message.id == "{count} images of {name} are too small."
    assert message.params == {"count": 3, "name": "Parts"}


def test_a_message_does_what_a_text_does():
    message = msg("{count} images of {name} are too small.", count=3, name="Parts")
    assert [name for name in dir(str) if name in Message.__slots__] == []
    assert message.count("m") == 2 and message.upper() == "3 IMAGES OF PARTS ARE TOO SMALL."


def test_one_without_parameters_is_made_once():
    assert msg("Too many calls") is msg("Too many calls")
    assert msg("{count} calls", count=1) is not msg("{count} calls", count=1)


def test_it_is_shown_in_the_readers_language(chinese):
    assert shown(msg("{count} images are too small.", count=12)) == "12 张图片太小。"


def test_a_message_in_a_message_is_translated_too(chinese):
    inner = msg("a RAR archive")
    assert shown(msg("The file is {kind}: {advice}", kind=inner, advice=msg("pack it anew."))) == (
        "该文件是RAR 压缩包：请重新打包。"
    )


def test_a_name_that_happens_to_be_a_word_of_ours_stays(chinese):
    assert shown(msg("{name} is gone.", name="extracting")) == "extracting 已删除。"


def test_a_plain_text_is_never_translated(chinese):
    assert shown("extracting") == "extracting"
    assert shown(None) == ""


def test_braces_and_percents_in_a_name_are_text(chinese):
    for name in ("{count}", "100 %s", "{name} {0} {name.__class__}", "}{"):
        assert shown(msg("{name} is gone.", name=name)) == f"{name} 已删除。"
        assert msg("{name} is gone.", name=name) == f"{name} is gone."


def test_a_place_without_a_parameter_is_left_as_it_is():
    assert Message("{a} and {b", {"a": 1}) == "1 and {b"
    assert Message("{missing} {}", {}) == "{missing} {}"
    assert places("{count} of {name}, {") == ["count", "name"]


def test_the_form_fits_the_count(chinese):
    assert msg_n("{count} image", "{count} images", 1) == "1 image"
    assert msg_n("{count} image", "{count} images", 2) == "2 images"
    assert shown(msg_n("{count} image", "{count} images", 2)) == "2 张图片"


def test_sentences_in_a_row_have_no_space_where_the_language_has_none(chinese):
    row = join([msg("{name} is gone.", name="A"), "", msg("{name} is gone.", name="B"), "C."])
    assert row == "A is gone. B is gone. C."
    assert shown(row) == "A 已删除。B 已删除。C."
    assert shown(join([msg("extracting"), msg("a RAR archive")], "; ")) == "正在解压；RAR 压缩包"


def test_an_error_keeps_the_message_it_was_made_with(chinese):
    try:
        raise InputError(msg("{name} is gone.", name="A"))
    except InputError as error:
        assert isinstance(str(error), Message)
        assert shown(error) == "A 已删除。"
        assert shown(msg("{count} images are too small.", count=error)) == "A 已删除。 张图片太小。"


@pytest.mark.parametrize(
    "message",
    [
        msg("extracting"),
        msg("{name} is {kinds}.", name="A", kinds=[msg("a RAR archive"), "x", 3, 0.5]),
        msg_n("{count} image", "{count} images", 2),
        join([msg("extracting"), "plain"], "; "),
    ],
)
def test_it_survives_json_pickle_and_copies(message):
    for other in (again(message), pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
        assert isinstance(other, Message) and other == message
        assert other.as_json() == message.as_json()


def test_messages_anywhere_in_data_are_kept():
    data = {"ok": False, "findings": [{"message": msg("{count} images", count=2), "count": 2}]}
    found = again(data)
    assert found == data and isinstance(found["findings"][0]["message"], Message)


def test_data_that_only_resembles_a_message_stays_data():
    for data in (
        {"id": 3, "params": {}},
        {"id": "x"},
        {"id": "x", "params": {}, "more": 1},
        {"id": "{a} {b}", "plural": "x", "count": True, "params": {}},
        {"parts": [], "by": " "},
        {"parts": [{"x": 1}], "by": " "},
        {"id": "x", "params": {"a": None}},
    ):
        assert again(data) == data and not isinstance(again(data), Message)


def test_what_a_stranger_wrote_is_bounded():
    deep = {"id": "{a}", "params": {"a": "x"}}
    for _ in range(20):
        deep = {"id": "{a}", "params": {"a": deep}}
    wide = {"id": "{a}" * 3, "params": {"a": "x"}}
    for _ in range(20):
        wide = {"id": "{a}" * 3, "params": {"a": wide}}
    lists = "x"
    for _ in range(50):
        lists = [lists]
    for data in (
        deep,
        wide,
        {"id": "x" * 3000, "params": {}},
        {"id": "{a}" * 500, "params": {"a": "x" * 1000}},
        {"id": "{a}", "params": {"a": "x" * 100_000}},
        {"id": "{a}", "params": {"a": lists}},
        {"id": "x", "params": {str(number): 1 for number in range(1000)}},
    ):
        assert from_json(data) is data
        assert not isinstance(again(data), Message)


def test_a_column_keeps_a_message_and_a_plain_text():
    message = msg("{name} is gone.", name="图")
    assert loaded(stored(message)).as_json() == message.as_json()
    assert stored("A plain sentence.") == "A plain sentence."
    assert loaded("A plain sentence.") == "A plain sentence."


def test_a_plain_text_that_looks_like_a_message_does_not_become_one(chinese):
    forged = json.dumps(msg("extracting"), cls=Encoder)
    assert loaded(stored(forged)) == forged
    assert shown(loaded(stored(forged))) == forged
    for text in ("{", "{}", '{"id": 3}', "{" * 5000):
        assert loaded(text) == text and loaded(stored(text)) == text


def test_a_row_keeps_a_message(db, client, team, alice):
    from portal.jobs.models import Job

    phase = msg("epoch {epoch}/{epochs}", epoch=1, epochs=3)
    job = Job.objects.create(team=team, kind="train", queue="train", phase=phase, result={"notices": [phase]})
    job.refresh_from_db()
    assert job.phase == "epoch 1/3" and job.phase.as_json() == phase.as_json()
    assert isinstance(job.result["notices"][0], Message)
    assert Job.objects.filter(pk=job.pk).values_list("phase", flat=True)[0].id == phase.id


def test_plain_texts_in_a_message_can_be_changed():
    message = msg("{a} {b} {c}", a="x", b=msg("{d}", d="y"), c=["z", 1])
    assert changed(message, str.upper) == "X Y Z, 1"
    assert changed("x", str.upper) == "X"


def test_the_label_of_a_choice_is_a_message_in_any_language():
    with translation.override("zh-hans"):
        label = word(translation.gettext_lazy("Failed"))
        assert label == "Failed" and shown(label) == "失败"
        assert word(lazystr("x")) == "x"


# --- with our own catalogue ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Cancel", "queued", "checking", "{count}"])
def test_a_class_named_as_a_word_of_ours_keeps_its_name_in_chinese(tmp_path, name):
    few = refused(tmp_path, zipped({f"{name}/0.png": png(1), "cat/1.png": png(2), "cat/2.png": png(3)}))
    lost = join([f"{name}/bad.png", msg("is empty")])
    with translation.override("zh-hans"):
        assert shown(few) == (f"每个类别至少需要两张可用图片，一张用于训练，一张用于评测：{name!r} 有 1 张。")
        assert shown(lost).startswith(f"{name}/bad.png ") and "empty" not in shown(lost)


def test_a_page_shows_a_stored_message_in_the_readers_language_and_the_api_in_english(client, team, alice):
    job = everything(team, alice)["checking"].job
    job.phase = msg("extracting")
    job.save(update_fields=["phase"])
    alice.language = "zh-hans"
    alice.save(update_fields=["language"])
    client.force_login(alice)
    assert "正在解压" in client.get(f"/jobs/{job.pk}/").content.decode()
    assert client.get(f"/api/v1/jobs/{job.pk}/").json()["phase"] == "extracting"


REFUSED = [
    b"Rar!\x1a\x07" + b"x" * 100,
    b"",
    zipped({"good/1.png": png(1), "good/2.png": png(2)}),
    zipped({"../evil.png": png(1)}),
    zipped({"good/1.png": png(1), "good/2.png": png(2), "bad/1.png": png(3)}),
]


@pytest.mark.parametrize("upload", REFUSED)
def test_why_an_upload_is_refused_is_told_in_chinese(tmp_path, upload):
    sentence = refused(tmp_path, upload)
    with translation.override("zh-hans"):
        told = shown(sentence)
    assert re.search("[\u4e00-\u9fff]", told), sentence
    assert not re.search(r"[a-z]+ [a-z]+ [a-z]+", told), told


def test_what_a_check_finds_is_told_in_chinese(tmp_path):
    files = two_classes() | {"cat/broken.png": b"no picture", "notes.txt": b"x", "loose.png": png(99)}
    result, _ = ingested(tmp_path, zipped(files))
    assert len(result["findings"]) >= 3
    with translation.override("zh-hans"):
        for finding in result["findings"]:
            assert re.search("[\u4e00-\u9fff]", shown(finding["message"])), finding
            assert re.search("[\u4e00-\u9fff]", shown(finding["advice"])), finding


def test_a_plan_that_cannot_be_is_told_in_chinese():
    with pytest.raises(PlanError) as caught:
        raise PlanError({"chips": msg("There is no chip {chip}; choose from {chips}.", chip="z80", chips="")})
    with translation.override("zh-hans"):
        assert shown(caught.value).startswith("没有芯片 z80；请从 ")
