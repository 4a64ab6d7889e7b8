"""Opens an uploaded model: an ONNX file, or a zip with an ONNX file or a Paddle inference model.

Refuses, with one sentence each, what cannot become a model for a chip whatever its chip is.
"""

from __future__ import annotations

import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import onnx
from onnx import TensorProto

from workers.contract import InputError, ToolchainError
from workers.contract.messages import msg
from workers.datakit.limits import human_bytes

MOST_BYTES = 512 * 1024**2
MOST_ENTRIES = 50
# What rknn-toolkit2 2.5.0 loads: it refuses 20 and above.
NEWEST_OPSET, OLDEST_OPSET = 19, 7
PADDLE_OPSET = 12
OWN_DOMAINS = ("", "ai.onnx")
NOT_A_MODEL = msg(
    "This is neither an ONNX file nor a zip with one or with a Paddle inference model, or it is damaged: "
    "upload the .onnx file, or a zip with inference.json (or .pdmodel) and .pdiparams."
)
UNREADABLE = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, zlib.error,
    lzma.LZMAError,
)  # fmt: skip
DAMAGED = msg("The ONNX file is damaged or incomplete: export the model again and upload it.")


def open_model(path: Path, scratch: Path) -> tuple[onnx.ModelProto, str]:
    """Return the checked model and the format of the file: ``onnx`` or ``paddle``."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InputError(too_large(size))
    if size == 0:
        raise InputError(msg("The file is empty: upload the model again."))
    _refuse_compiled(path)
    if zipfile.is_zipfile(path):
        onnx_file, format_ = _unpacked(path, scratch)
        return checked(onnx_file), format_
    return checked(path), "onnx"


def _refuse_compiled(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(4) == b"RKNN":
            raise InputError(
                msg(
                    "This is an .rknn file: it is compiled for one chip already. Upload the ONNX file or the "
                    "Paddle inference model that it was made from."
                )
            )


def too_large(size: int) -> str:
    return msg(
        "The model has {size}; at most {most} are accepted, since no supported chip runs a larger one: "
        "upload a smaller model.",
        size=human_bytes(size),
        most=human_bytes(MOST_BYTES),
    )


def checked(path: Path) -> onnx.ModelProto:
    """Parse a file, and refuse what no chip can run."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:
        raise InputError(NOT_A_MODEL) from error
    if not model.graph.node or not model.opset_import:
        raise InputError(NOT_A_MODEL)
    _refuse_external_data(model)
    model = _without_functions(model)
    _refuse_external_data(model)  # of the functions' bodies
    _refuse_custom_operators(model)
    _refuse_opset(model)
    try:
        model = onnx.shape_inference.infer_shapes(model)  # some exporters leave out the shapes of outputs
        onnx.checker.check_model(model)
    except Exception as error:
        raise InputError(DAMAGED) from error
    return model


def opset_of(model: onnx.ModelProto) -> int:
    return max((one.version for one in model.opset_import if one.domain in OWN_DOMAINS), default=0)


def _refuse_external_data(model: onnx.ModelProto) -> None:
    if any(one.data_location == TensorProto.EXTERNAL for one in _tensors(model.graph)):
        raise InputError(
            msg(
                "The weights are in a second file (external data): save the model as one ONNX file, for "
                "example with onnx.save(model, path, save_as_external_data=False), and upload that."
            )
        )


def _tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from _parts(sparse)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from _parts(sparse)
    for inner in subgraphs(graph):
        yield from _tensors(inner)


def _parts(sparse: onnx.SparseTensorProto) -> tuple[TensorProto, TensorProto]:
    return sparse.values, sparse.indices


def subgraphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graphs inside nodes such as If and Loop, one level down."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield attribute.g
            yield from attribute.graphs


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    yield from graph.node
    for inner in subgraphs(graph):
        yield from all_nodes(inner)


def _without_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Newer exporters define functions inside the file: their bodies replace the calls."""
    if not model.functions:
        return model
    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:
        raise InputError(DAMAGED) from error


def _refuse_custom_operators(model: onnx.ModelProto) -> None:
    version = opset_of(model)
    unknown = {
        f"{node.domain}::{node.op_type}" if node.domain not in OWN_DOMAINS else node.op_type
        for node in all_nodes(model.graph)
        if node.domain not in OWN_DOMAINS or not _is_known(node.op_type, version)
    }
    if unknown:
        raise InputError(
            msg(
                "The model has operators that are not part of ONNX: {names}. No chip runs them: export it "
                "with standard operators only.",
                names=", ".join(sorted(unknown)[:5]),
            )
        )


def _is_known(name: str, version: int) -> bool:
    return onnx.defs.has(name) or version > onnx.defs.onnx_opset_version()


def _refuse_opset(model: onnx.ModelProto) -> None:
    version = opset_of(model)
    if not OLDEST_OPSET <= version <= NEWEST_OPSET:
        raise InputError(
            msg(
                "The model uses ONNX opset {version}; the RKNN toolkit reads {oldest} to {newest}: export "
                "it with opset 12 to 17.",
                version=version,
                oldest=OLDEST_OPSET,
                newest=NEWEST_OPSET,
            )
        )


# --- zips ---------------------------------------------------------------------------------------


def _unpacked(path: Path, scratch: Path) -> tuple[Path, str]:
    folder = scratch / "model"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as archive:
            return _from_archive(archive, folder)
    except UNREADABLE as error:
        raise InputError(msg("The zip is damaged or encrypted: pack the model again.")) from error


def _from_archive(archive: zipfile.ZipFile, folder: Path) -> tuple[Path, str]:
    files = [one for one in archive.infolist() if not one.is_dir()]
    if len(files) > MOST_ENTRIES:
        raise InputError(
            msg("The zip has more than {most} files: pack only those of one model.", most=MOST_ENTRIES)
        )
    if sum(one.file_size for one in files) > MOST_BYTES:
        raise InputError(too_large(sum(one.file_size for one in files)))
    by_end: dict[str, list[zipfile.ZipInfo]] = {}
    for one in files:
        by_end.setdefault(PurePosixPath(one.filename).suffix.lower(), []).append(one)
    if len(by_end.get(".onnx", [])) == 1:
        return _extract(archive, by_end[".onnx"][0], folder / "model.onnx"), "onnx"
    graphs = by_end.get(".pdmodel", []) + [
        one for one in by_end.get(".json", []) if PurePosixPath(one.filename).name == "inference.json"
    ]
    if len(graphs) == 1 and len(by_end.get(".pdiparams", [])) == 1:
        graph = _extract(archive, graphs[0], folder / f"inference{PurePosixPath(graphs[0].filename).suffix}")
        weights = _extract(archive, by_end[".pdiparams"][0], folder / "inference.pdiparams")
        return _from_paddle(graph, weights), "paddle"
    raise InputError(NOT_A_MODEL)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> Path:
    with archive.open(entry) as source, target.open("wb") as file:
        shutil.copyfileobj(_Bounded(source), file, 1024 * 1024)
    return target


class _Bounded:
    """A stream that raises InputError after MOST_BYTES: an entry may hold more than it declares."""

    def __init__(self, source: Any):
        self.source, self.left = source, MOST_BYTES

    def read(self, size: int) -> bytes:
        block = self.source.read(size)
        self.left -= len(block)
        if self.left < 0:
            raise InputError(too_large(MOST_BYTES - self.left))
        return block


def _from_paddle(graph: Path, weights: Path) -> Path:
    # Otherwise polygraphy, which paddle2onnx uses, may install packages from the network.
    os.environ["POLYGRAPHY_AUTOINSTALL_DEPS"] = "0"
    import paddle2onnx

    target = graph.with_name("converted.onnx")
    try:
        paddle2onnx.export(str(graph), str(weights), str(target), opset_version=PADDLE_OPSET, verbose=False)
    except Exception as error:
        raise ToolchainError(
            msg(
                "paddle2onnx cannot convert this Paddle model ({error}): export it to ONNX yourself.",
                error=str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__,
            )
        ) from error
    if not target.is_file():
        raise ToolchainError(msg("paddle2onnx wrote no file for this Paddle model: see the job's log."))
    return target
