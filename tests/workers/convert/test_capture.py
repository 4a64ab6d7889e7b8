import os
import subprocess
import sys
import textwrap

from workers.convert.capture import clean, is_noise

from .conftest import ROOT

PRINTS_EVERYWHERE = """
import ctypes, os, sys, threading
from pathlib import Path
from workers.convert.capture import captured
raw = Path(sys.argv[1])
print("before")
with captured(raw) as output:
    print("from python")
    print("to stderr", file=sys.stderr)
    os.write(1, b"x" * 200_000 + b"\\n")
    ctypes.CDLL(None).puts(b"from c")
    os.write(1, b"D RKNN: [03:26:04.432] >>>>>> start: Pass\\n")
print("after")
print(len(output.text), "from c" in output.text, "to stderr" in output.text, "Pass" in output.text)
"""


def run(code, raw):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(raw)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_what_c_code_prints_is_caught_and_passed_on(tmp_path):
    done = run(PRINTS_EVERYWHERE, tmp_path / "raw.log")
    lines = done.stdout.splitlines()
    assert lines[0] == "before" and lines[-2] == "after"
    assert lines[-1].endswith("True True True")
    assert "from c" in lines and "from python" in lines
    assert not any("start: Pass" in line for line in lines)


def test_the_last_words_of_a_library_that_aborts_are_passed_on(tmp_path):
    code = """
        import os, sys
        from pathlib import Path
        from workers.convert.capture import captured
        with captured(Path(sys.argv[1])):
            os.write(2, b"last words\\n")
            os.abort()
    """
    done = run(code, tmp_path / "raw.log")
    assert done.returncode < 0
    assert "last words" in done.stdout
    assert "last words" in (tmp_path / "raw.log").read_text()


def test_colours_and_overwritten_progress_are_dropped():
    assert clean("\x1b[1;33mW\x1b[0m text\n 0%\r50%\r100%\nend\r\n") == "W text\n100%\nend\n"


def test_only_the_announcements_of_passes_are_noise():
    assert is_noise("D RKNN: [03:24:50.330] <<<<<<<< end: rknn::Pass")
    assert not is_noise("D RKNN: [03:24:50.330] Total Weight Memory Size: 5.4375KB")
