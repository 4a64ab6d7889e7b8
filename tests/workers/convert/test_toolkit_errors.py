import pytest

from workers.convert.toolkit_errors import KNOWN, error_lines, explain, explain_crash

from .conftest import read_log


def test_a_refused_float_build_is_explained():
    assert explain("build the model", read_log("refused-float.log")) == (
        "rknn-toolkit2 could not build the model: this chip runs int8 models only, choose int8 "
        "(Current target_platform(rv1106) not support do_quantization = False)."
    )


def test_of_a_traceback_only_the_exception_counts():
    lines = error_lines(read_log("refused-dtype.log"))
    assert (
        lines
        == ["Invalid quantized_dtype 'w16a16i', expect in ['w8a8', 'w8a16', 'w16a16i_dfp', 'w4a16']!"] * 2
    )


def test_colours_do_not_hide_an_error():
    log = "\x1b[1;31mE\x1b[0m \x1b[1;31mbuild: Invalid target_platform 'zzz'!\x1b[0m\n"
    assert "does not know the chip" in explain("start", log)


def test_an_unknown_error_is_quoted():
    assert explain("build the model", "I fine\nE build: Something new!\n") == (
        "rknn-toolkit2 could not build the model: Something new (see the job's log for all it said)."
    )


def test_a_failure_without_a_word_says_so():
    assert "did not say why" in explain("build the model", "I fine\n")


def test_an_exception_without_output_is_quoted():
    assert "no such thing" in explain("start", "", "no such thing\nmore")


def test_a_long_error_is_cut():
    assert len(explain("start", "E build: " + "x" * 5000)) < 350


def test_the_last_words_before_a_crash_are_quoted():
    message = explain_crash("SIGABRT", "E RKNN: [03:30:57.086] Meet unsupported conv, input tensor name: x\n")
    assert "stopped the program" in message and "Meet unsupported conv" in message


def test_a_process_killed_from_outside_is_told_apart_from_a_crash():
    assert "Often the machine is out of memory" in explain_crash("SIGKILL", "")
    assert "because the machine ran out of memory" in explain_crash("SIGKILL", "", memory_ran_out=True)
    assert "crashed (SIGSEGV)" in explain_crash("SIGSEGV", "I fine\n")


@pytest.mark.parametrize("meaning", [meaning for _, meaning in KNOWN])
def test_every_explanation_says_what_to_do_or_what_is_in_the_way(meaning):
    assert "," in meaning or "cannot" in meaning
