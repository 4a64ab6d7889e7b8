"""Weights from outside: tensors come in, everything else stays out and runs nothing."""

from __future__ import annotations

import copyreg
import datetime
import os
import pickle
import struct
import subprocess
from pathlib import Path

import pytest

from workers.contract import InputError
from workers.train import unpickling
from workers.train.unpickling import Refused, Tensor, read, tensors
from workers.train.weights import clean_pretrained

from .real_jobs import PYTHON, ROOT

REAL = Path(__file__).parent / "weights"

CLEAN_AND_COMPARE = """
import sys, numpy, paddle
from pathlib import Path
from workers.train.weights import clean

def compare(a, b):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        [compare(a[key], b[key]) for key in a]
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        [compare(*pair) for pair in zip(a, b)]
    elif hasattr(a, "shape"):
        a, b = numpy.asarray(a), numpy.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype) and (a == b).all()
    else:
        assert a == b

for path in sorted(Path(sys.argv[1]).iterdir()):
    target = Path(sys.argv[2], path.name)
    clean(path, target)
    for as_numpy in (False, True):
        compare(*(paddle.load(str(place), return_numpy=as_numpy) for place in (path, target)))
    print(path.name)
"""


class Calls:
    """Pickles to a call of any function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class Ordinary:
    """An instance of a class of one's own."""


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def naming(module: str, name: str, rest: bytes = b")R.") -> bytes:
    """A protocol 4 pickle that names something by STACK_GLOBAL."""
    return b"\x80\x04" + short(module) + short(name) + b"\x93" + rest


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01bt"
TYPE = (
    b"cnumpy\ndtype\nX\x02\x00\x00\x00%s\x89\x88\x87R"
    b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)


def array(kind: bytes = b"f4", shape: bytes = b"K\x01\x85", data: bytes = b"C\x04\0\0\0\0") -> bytes:
    """A protocol 3 pickle of one array, with whatever shape and bytes."""
    return b"\x80\x03" + ARRAY + b"R(K\x01" + shape + TYPE.replace(b"%s", kind) + b"\x89" + data + b"tb."


PROTOCOL_0 = b"cposix\nsystem\n(S'touch hacked'\ntR."
HOSTILE = {
    "os.system": pickle.dumps({"w": Calls(os.system, "touch hacked")}),
    "eval": pickle.dumps({"w": Calls(eval, "open('hacked', 'w')")}),
    "exec, nested": pickle.dumps({"a": {"b": [1, (2, Calls(exec, "open('hacked', 'w')"))]}}),
    "getattr": pickle.dumps(Calls(getattr, {}, "clear")),
    "subprocess": pickle.dumps(Calls(subprocess.Popen, ["touch", "hacked"])),
    "protocol 0": PROTOCOL_0,
    "protocol 2 by GLOBAL": b"\x80\x02cposix\nsystem\nX\x0c\0\0\0touch hacked\x85R.",
    "STACK_GLOBAL": naming("os", "system", short("touch hacked") + b"\x85R."),
    "a name with dots": naming("numpy", "core.multiarray._reconstruct"),
    "a name from the memo": b"\x80\x04" + short("posix") + b"\x94" + short("system") + b"\x940h\x00h\x01\x93"
    + short("touch hacked") + b"\x85R.",
    "the builtins under their old name": naming("__builtin__", "eval"),
    "a known module, another function": naming("numpy.core.multiarray", "fromfile"),
    "numpy.load": naming("numpy", "load"),
    "an instance": pickle.dumps(Ordinary()),
    "a date": pickle.dumps(datetime.date(2000, 1, 1)),
    "a set": pickle.dumps({1, 2}),
    "INST": b"(S'touch hacked'\niposix\nsystem\n.",
    "OBJ": b"\x80\x02(cposix\nsystem\nX\x0c\0\0\0touch hackedo.",
    "NEWOBJ": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "a persistent id": b"\x80\x02X\x01\0\0\0aQ.",
    "an extension code": b"\x80\x02\x82\x05.",
    "a buffer out of band": b"\x80\x05\x97.",
    "copyreg": naming("copyreg", "_reconstructor"),
    "an object array": array(kind=b"O8"),
    "an object array by its name": array(kind=b"O4", data=b"]"),
    "a state for a function": b"\x80\x02cnumpy\ndtype\n}X\x01\0\0\0aK\x01sb.",
    "ndarray called": b"\x80\x02cnumpy\nndarray\nK\x01\x85\x85R.",
    "an array without its state": b"\x80\x03" + ARRAY + b"R.",
    "an array of something else": b"\x80\x03" + ARRAY.replace(b"ndarray", b"dtype") + b"R.",
    "too few bytes": array(data=b"C\x02\0\0"),
    "a shape that is too large": array(shape=b"\x8a\x08\0\0\0\0\0\0\0\x10\x85"),
    "a negative shape": array(shape=b"J\xff\xff\xff\xffJ\xfc\xff\xff\xff\x86"),
    "a shape that is no number": array(shape=b"X\x01\0\0\0a\x85"),
    "a record array": array().replace(b"<NNN", b"<NK\x01N"),
    "a codec": b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86R.",
    "a memo with a gap": b"\x80\x02}r\xff\xff\xff\x7f.",
    "a list within itself": b"\x80\x02]q\x00h\x00a.",
    "nested deeply": b"\x80\x02" + b")\x85" * 1 + b"\x85" * 5000 + b".",
    "a giant number": b"\x80\x02\x8b" + struct.pack("<i", 1000) + b"\x7f" * 1000 + b".",
    "not a pickle": b"<html>Sign in to the Wi-Fi.</html>",
    "cut short": pickle.dumps({"w": b"x" * 1000})[:500],
    "nothing": b"",
    "bytes without end": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_runs_nothing(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pdparams").write_bytes(HOSTILE[name])
    with pytest.raises(Refused):
        read(tmp_path / "w.pdparams")
    assert os.listdir(tmp_path) == ["w.pdparams"]


def test_a_registered_extension_is_refused_all_the_same(tmp_path):
    copyreg.add_extension("os", "system", 240)
    try:
        (tmp_path / "w").write_bytes(b"\x80\x02\x82\xf0X\x0c\0\0\0touch hacked\x85R.")
        with pytest.raises(Refused, match="EXT1"):
            read(tmp_path / "w")
    finally:
        copyreg.remove_extension("os", "system", 240)


def test_long_names_that_a_file_repeats_by_reference_are_read(tmp_path):
    names = [f"{number} {'of a name ' * 20}" for number in range(20)]
    (tmp_path / "named").write_bytes(pickle.dumps([names, names, names], protocol=2))
    assert read(tmp_path / "named") == [names, names, names]


def test_few_bytes_do_not_unfold_to_many(tmp_path):
    """Each list holds the one before ten times: a billion values in ninety bytes."""
    layer = b"]" + b"q\x01(" + b"h\x00" * 10 + b"e"
    bomb = b"\x80\x02]q\x00"
    for _ in range(9):
        bomb += layer.replace(b"q\x01", b"q\x01") + b"q\x00"
    (tmp_path / "bomb").write_bytes(bomb + b".")
    with pytest.raises(Refused, match="more values"):
        read(tmp_path / "bomb")
    shared = (
        array(data=b"B\x40\x0d\x03\x00" + b"\0" * 200_000, shape=b"M\x50\xc3\x85")[:-1]
        + b"q\x00("
        + b"h\x00" * 1000
    )
    (tmp_path / "shared").write_bytes(shared + b"t.")
    with pytest.raises(Refused, match="more values"):
        read(tmp_path / "shared")


def test_a_file_larger_than_any_weights_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(unpickling, "LARGEST", 10)
    (tmp_path / "w").write_bytes(pickle.dumps([1.0] * 10))
    with pytest.raises(Refused, match="more than weights have"):
        read(tmp_path / "w")


@pytest.mark.parametrize("path", sorted(REAL.iterdir()), ids=lambda path: path.name)
def test_what_paddle_writes_is_read(path):
    """Captured from Paddle 3.3: weights of protocol 4 and 2, of half precision, nested; optimizer; states."""
    found = list(tensors(read(path)))
    assert found and all(isinstance(tensor, Tensor) for tensor in found)


def test_the_names_types_and_numbers_of_real_weights_are_kept():
    weights = read(REAL / "protocol4.pdparams")
    assert weights["0.weight"].shape == (2, 1, 3, 3) and weights["0.weight"].type == "f4"
    assert isinstance(weights["StructuredToParameterName@@"]["0.weight"], str)
    assert read(REAL / "half.pdparams")["0.weight"].type == "u2"  # how Paddle stores bfloat16
    assert read(REAL / "optimizer.pdopt")["LR_Scheduler"]["last_epoch"] == 0
    assert read(REAL / "states.pdstates")["epoch"] == 3


def test_plain_values_and_the_other_ways_to_write_arrays_are_read(tmp_path):
    plain = {"a": [1, 2.5, True, None, "x"], "b": (1, {"c": ()})}
    (tmp_path / "plain").write_bytes(pickle.dumps(plain, protocol=2))
    assert read(tmp_path / "plain") == plain
    (tmp_path / "array").write_bytes(array())
    assert read(tmp_path / "array") == Tensor((1,), "f4", "<", False, bytes(4))
    newer = array().replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
    (tmp_path / "newer").write_bytes(newer)
    assert read(tmp_path / "newer") == Tensor((1,), "f4", "<", False, bytes(4))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HOSTILE["os.system"], r"they hold \w+\.system: give a .pdparams file"),
        (pickle.dumps([1, 2]), "no tensors by name"),
        (HOSTILE["cut short"], "data that Paddle does not write"),
    ],
)
def test_refused_weights_are_the_persons_to_fix(tmp_path, content, said):
    (tmp_path / "mine.pdparams").write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        clean_pretrained(tmp_path / "mine.pdparams", tmp_path / "clean")
    assert "The pretrained weights mine.pdparams were not opened" in str(caught.value)
    assert not (tmp_path / "clean").exists()


@pytest.mark.toolchain
def test_paddle_loads_the_same_from_the_clean_file(tmp_path):
    argv = [PYTHON, "-c", CLEAN_AND_COMPARE, str(REAL), str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == sorted(path.name for path in REAL.iterdir())
