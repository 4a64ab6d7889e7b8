"""Sentences that were stored in English are shown in the reader's language."""

import re

import pytest
from django.utils import translation

from portal.core import configs, sentences
from portal.core.sentencepattern import PLACE, fill
from portal.core.sentences import Catalogue
from portal.runs.plan import PlanError
from tests.datasets.upload_builders import ingested, png, refused, two_classes, zipped
from tests.seed import everything


@pytest.fixture
def book():
    return Catalogue(
        {
            "extracting": "正在解压",
            "{count} images are too small.": "{count} 张图片太小。",
            "The file is {kind}, not a zip: {advice}": "该文件是{kind}，不是 zip：{advice}",
            "a RAR archive": "RAR 压缩包",
            "pack it anew.": "请重新打包。",
            "{name} is gone.": "{name} 已删除。",
            "Job {pk} is {status}; wait.": "作业 {pk} 是{status}；请等待。",
            "Failed": "失败",
        }
    )


def test_a_sentence_is_written_again_with_what_stood_in_its_places(book):
    assert book.find("extracting") == "正在解压"
    assert book.find("12 images are too small.") == "12 张图片太小。"


def test_phrases_of_ours_inside_a_sentence_are_translated_too(book):
    text = "The file is a RAR archive, not a zip: pack it anew."
    assert book.find(text) == "该文件是RAR 压缩包，不是 zip：请重新打包。"
    assert book.find("Job 4 is failed; wait.") == "作业 4 是失败；请等待。"


def test_a_name_that_happens_to_be_a_word_of_ours_stays(book):
    assert book.find("extracting is gone.") == "extracting 已删除。"


def test_several_sentences_are_translated_one_after_the_other(book):
    assert book.find("12 images are too small. Parts.zip is gone.") == "12 张图片太小。Parts.zip 已删除。"
    assert book.find("12 images are too small. Something else.") == "12 张图片太小。Something else."


def test_what_is_not_known_is_shown_as_it_is(book):
    assert book.find("the toolkit said: E1234") is None
    with translation.override("zh-hans"):
        assert sentences.translate("the toolkit said: E1234") == "the toolkit said: E1234"
        assert sentences.translate(None) == ""


def test_braces_and_percents_in_a_name_do_no_harm(book):
    assert book.find("{count} of 100 % is gone.") == "{count} of 100 % 已删除。"


def test_english_is_left_alone():
    with translation.override("en"):
        assert sentences.translate("extracting") == "extracting"


def test_a_page_shows_what_is_stored_in_the_readers_language_and_the_api_in_english(client, team, alice):
    rows = everything(team, alice)
    job = rows["checking"].job
    job.phase = "extracting"
    job.save(update_fields=["phase"])
    client.force_login(alice)
    alice.language = "zh-hans"
    alice.save(update_fields=["language"])
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert "正在解压" in page
    assert client.get(f"/api/v1/jobs/{job.pk}/").json()["phase"] == "extracting"


def test_every_pattern_fits_its_own_sentence():
    """A pattern that does not even fit its own text would translate nothing."""
    book = sentences.catalogue("zh-hans")
    for source, answer in sentences.stored("zh-hans").items():
        if not PLACE.search(source):
            assert book.find(source) == answer
            continue
        filled = fill(source, {name: "A1" for name in _places(source)})
        assert book.find(filled, depth=1) is not None, source


def _places(source):
    return [first or second for first, second in PLACE.findall(source)]


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
        told = sentences.translate(sentence)
    assert re.search("[\u4e00-\u9fff]", told), sentence
    assert not re.search(r"[a-z]+ [a-z]+ [a-z]+", told), told


def test_what_a_check_finds_is_told_in_chinese(tmp_path):
    files = two_classes() | {"cat/broken.png": b"no picture", "notes.txt": b"x", "loose.png": png(99)}
    result, _ = ingested(tmp_path, zipped(files))
    assert len(result["findings"]) >= 3
    with translation.override("zh-hans"):
        for finding in result["findings"]:
            assert re.search("[\u4e00-\u9fff]", sentences.translate(finding["message"])), finding


def test_a_plan_that_cannot_be_is_told_in_chinese():
    error = PlanError({"chips": f"There is no chip {'z80'!r}; choose from {', '.join(configs.chips())}."})
    with translation.override("zh-hans"):
        assert sentences.translate(error).startswith("没有芯片 'z80'；请从 ")
