"""Stands in for PyTorch in the conversion environment. It contains no code of PyTorch.

rknn-toolkit2 imports torch when it starts, but uses it only for its ``gdq`` quantiser and for
``load_pytorch``; the real package with its CUDA libraries is ten times the rest of the environment. Here
every submodule can be imported and every attribute resolves to a class, so that imports, ``isinstance``
tests, base classes and decorators work. Instantiating such a class raises an error that says what is missing.
"""

import contextlib
import importlib.abc
import importlib.machinery
import sys
import types

__version__ = "2.2.0"


class TorchIsAStubError(RuntimeError):
    """Something tried to compute with PyTorch in an environment that has only the stand-in."""


class _Nameless(type):
    """Metaclass of every resolved attribute: its attributes resolve too."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _placeholder(f"{cls._path}.{name}")

    def __call__(cls, *args, **kwargs):
        raise TorchIsAStubError(
            f"{cls._path} was called, but this environment has only a stand-in for PyTorch: "
            "use the normal, mmse or kl_divergence quantiser and load models from ONNX."
        )


def _placeholder(path):
    return _Nameless(path.rsplit(".", 1)[-1], (), {"_path": path, "__module__": path.rsplit(".", 1)[0]})


class _StubModule(types.ModuleType):
    """A submodule whose attributes all resolve to placeholder classes, the same each time."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = _placeholder(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


class _StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers ``import torch.<anything>`` with an empty stub module."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.startswith(__name__ + "."):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return _StubModule(spec.name)

    def exec_module(self, module):
        """Nothing to execute: the module resolves attributes by ``__getattr__``."""


class no_grad(contextlib.ContextDecorator):
    """Does nothing: the toolkit decorates its gdq quantiser with it at import time."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    value = globals()[name] = _placeholder(f"{__name__}.{name}")
    return value


sys.meta_path.append(_StubFinder())
