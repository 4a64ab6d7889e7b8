"""Makes an uploaded network fit for a chip: fixed shape, channels first, cut tail; each change is checked.

Only changes that keep the numbers are made; the network before and after must agree on noise.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxslim
from onnx import TensorProto, helper, numpy_helper

from workers.contract import InputError, ToolchainError
from workers.contract.messages import Message, msg
from workers.convert import channels
from workers.intake import graphs, heads, proving
from workers.intake.graphs import Wiring, shape_of

USUAL_SIZE = (224, 224)
LEAST_SIDE, MOST_SIDE = 8, 2048
IR_VERSION = 8  # the toolkit's onnx reads it; older ones want constants among the inputs
TOLERANCE = 1e-3


@dataclass
class Fixed:
    """The network as it will be compiled. ``is_free`` tells that its input has no fixed size of its own."""

    model: onnx.ModelProto
    head: heads.Head
    size: tuple[int, int]
    is_free: bool
    before: onnx.ModelProto
    fixes: list[Message] = field(default_factory=list)

    def diff(self) -> dict[str, Any]:
        """What changed: the count of each operator, inputs and outputs, before and after."""
        was, now = graphs.operators(self.before), graphs.operators(self.model)
        return {
            "operators": [
                [name, was[name], now[name]] for name in sorted(was | now) if was[name] != now[name]
            ],
            "nodes": [sum(was.values()), sum(now.values())],
            "inputs": [graphs.as_data(graphs.inputs_of(one)) for one in (self.before, self.model)],
            "outputs": [graphs.as_data(one.graph.output) for one in (self.before, self.model)],
        }


def fix(source: onnx.ModelProto, size: tuple[int, int] | None, scratch: Path, output: str = "") -> Fixed:
    """Return the network for images of ``size`` (width, height); None is its own size, or a usual one.

    ``output`` names the scores to keep, see ``heads.find``.
    Raises InputError for what cannot be fixed.
    """
    image = image_input(source)
    own, first = own_size(image)
    wanted = _size(own, size)
    model, fixes = copy.deepcopy(source), []
    model.ir_version = IR_VERSION
    fixes += _set_shape(model, image.name, wanted, channels_first=first)
    if not first:
        _turn(model, image.name)
        fixes.append(msg("The input takes channels first now (1×3×height×width)."))
    slim = _slimmed(model)
    wiring = Wiring(slim)
    head = heads.find(wiring, wanted, output)
    whole = head.model or slim
    cut = _slimmed(copy.deepcopy(whole), head.cut)
    _refuse_further_inputs(cut, image.name)
    done = _flattened(cut) if head.task == heads.CLASSIFICATION else cut
    if not _starts_with_convolutions(done):
        done = _with_first_convolution(done)
        fixes.append(
            msg(
                "A first convolution that changes nothing was added: with it, the channel order can be "
                "changed."
            )
        )
    compare(whole, done, head, scratch)
    if head.model is not None:
        _prove(slim, whole, head, wanted, scratch)
    compare_source(source, slim, image.name, wanted, first, scratch)
    return Fixed(done, head, wanted, own is None, source, [*fixes, *head.notes])


# --- the input ----------------------------------------------------------------------------------


def image_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """The input that takes the image. Raises InputError, naming the inputs, if there is none."""
    inputs = graphs.inputs_of(model)
    for value in inputs:
        if shape_of(value) == [] or 0 in (shape_of(value) or [1]):
            raise InputError(
                msg(
                    "The input {name} has no dimensions ({shape}), so it takes no image: export the model "
                    "with an input 1×3×height×width.",
                    name=value.name[:80],
                    shape=str(shape_of(value)),
                )
            )
    images = [value for value in inputs if len(shape_of(value) or []) == 4]
    if not images or (len(images) > 1):
        told = ", ".join(f"{one.name[:40]} {shape_of(one)}" for one in inputs[:5]) or "–"
        raise InputError(
            msg(
                "The model must take one image, 1×3×height×width. It takes: {inputs}. Export it with one "
                "image as its only input.",
                inputs=told,
            )
        )
    _refuse_type(images[0])
    return images[0]


def _refuse_type(value: onnx.ValueInfoProto) -> None:
    kind = graphs.type_of(value)
    if kind != "float":
        raise InputError(
            msg(
                "The input takes {kind} and not 32-bit floats: upload the float32 model, before any "
                "quantization or conversion to half precision.",
                kind=kind,
            )
        )


def own_size(image: onnx.ValueInfoProto) -> tuple[tuple[int, int] | None, bool]:
    """The size (width, height) that the file fixes, if any, and whether the channels are first.

    Raises InputError for another number of channels than three.
    """
    shape = shape_of(image) or []
    first = shape[1] == 3 or (shape[3] != 3 and not isinstance(shape[1], int))
    count = shape[1] if first or shape[3] != 3 else shape[3]
    if isinstance(count, int) and count != 3:
        raise InputError(
            msg(
                "The model takes images with a channel count of {count}, and boards deliver 3 (colour): "
                "train it on colour images, or repeat a single channel three times before you export it.",
                count=count,
            )
        )
    height, width = shape[2:4] if first else shape[1:3]
    fixed = isinstance(width, int) and isinstance(height, int)
    return ((width, height) if fixed else None), first


def _size(own: tuple[int, int] | None, size: tuple[int, int] | None) -> tuple[int, int]:
    if own and size and own != size:
        raise InputError(
            msg(
                "The model takes images of {width}×{height} pixels only: choose that input size.",
                width=own[0],
                height=own[1],
            )
        )
    found = own or size or USUAL_SIZE
    if not all(LEAST_SIDE <= side <= MOST_SIDE for side in found):
        raise InputError(
            msg(
                "An input of {width}×{height} pixels cannot be used: it must be from {least} to {most} on "
                "each side.",
                width=found[0],
                height=found[1],
                least=LEAST_SIDE,
                most=MOST_SIDE,
            )
        )
    return found


def _set_shape(
    model: onnx.ModelProto, name: str, size: tuple[int, int], channels_first: bool
) -> list[Message]:
    """Fix the image's shape, and forget shapes that were derived from another one."""
    width, height = size
    shape = [1, 3, height, width] if channels_first else [1, height, width, 3]
    value = next(one for one in model.graph.input if one.name == name)
    if shape_of(value) == shape:
        return []
    before = "×".join("?" if not isinstance(one, int) else str(one) for one in shape_of(value) or [])
    value.CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    del model.graph.value_info[:]
    for output in model.graph.output:
        kind = output.type.tensor_type.elem_type
        output.CopyFrom(helper.make_tensor_value_info(output.name, kind, None))
    now = "×".join(map(str, shape))
    return [msg("The shape of the input is fixed: {before} became {now}.", before=before, now=now)]


def _turn(model: onnx.ModelProto, name: str) -> None:
    """Take channels first, and turn the image for a network that wants them last."""
    graph = model.graph
    value = next(one for one in graph.input if one.name == name)
    _, height, width, depth = shape_of(value)
    inner = f"{name}_channels_last"
    for node in graph.node:
        node.input[:] = [inner if one == name else one for one in node.input]
    value.CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, depth, height, width]))
    graph.node.insert(0, helper.make_node("Transpose", [name], [inner], perm=[0, 2, 3, 1]))


def _refuse_further_inputs(model: onnx.ModelProto, image: str) -> None:
    names = [value.name for value in graphs.inputs_of(model)]
    if names != [image]:
        raise InputError(
            msg(
                "The model needs further inputs besides the image: {names}. A board gives it an image only: "
                "export it without them.",
                names=", ".join(one[:40] for one in names if one != image) or "–",
            )
        )


# --- the graph ----------------------------------------------------------------------------------


def _slimmed(model: onnx.ModelProto, outputs: list[str] | None = None) -> onnx.ModelProto:
    options: dict[str, Any] = {"outputs": outputs} if outputs else {}
    try:
        slim = onnxslim.slim(model, **options)
        return onnx.shape_inference.infer_shapes(slim)
    except Exception as error:
        raise ToolchainError(
            msg(
                "onnxslim cannot simplify this network ({error}): export it again with a fixed input shape.",
                error=_last_line(error),
            )
        ) from error


def _flattened(model: onnx.ModelProto) -> onnx.ModelProto:
    """Let the scores be 1×classes."""
    output = model.graph.output[0]
    if len(shape_of(output) or []) == 2:
        return model
    classes = (shape_of(output) or [1, 1])[1]
    flat = f"{output.name}_flat"
    model.graph.node.append(helper.make_node("Flatten", [output.name], [flat], axis=1))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(flat, TensorProto.FLOAT, [1, classes]))
    return model


def _starts_with_convolutions(model: onnx.ModelProto) -> bool:
    """Whether every reader of the image is a convolution over its three channels."""
    wiring, name = Wiring(model), graphs.inputs_of(model)[0].name
    readers = wiring.readers.get(name, [])
    shapes = [wiring.shapes.get(node.input[1]) if node.op_type == "Conv" else None for node in readers]
    constant = all(node.op_type == "Conv" and node.input[1] in wiring.constants for node in readers)
    return constant and all(shape and len(shape) == 4 and shape[1] == 3 for shape in shapes)


def _with_first_convolution(model: onnx.ModelProto) -> onnx.ModelProto:
    """A 1×1 convolution that passes each channel on: networks may begin with other operators."""
    name = graphs.inputs_of(model)[0].name
    inner, weights = f"{name}_passed", f"{name}_identity"
    for node in model.graph.node:
        node.input[:] = [inner if one == name else one for one in node.input]
    identity = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    model.graph.initializer.append(numpy_helper.from_array(identity, weights))
    model.graph.node.insert(0, helper.make_node("Conv", [name, weights], [inner], name=weights))
    return model


def as_rgb(model: onnx.ModelProto) -> onnx.ModelProto:
    """A network that takes BGR, so that it takes RGB as every other network here."""
    return channels.swap_first_convolution(model)


# --- checks -------------------------------------------------------------------------------------


def compare(slim: onnx.ModelProto, done: onnx.ModelProto, head: heads.Head, scratch: Path) -> None:
    """Raise ToolchainError unless the cut network gives the numbers of the whole one at its cuts."""
    whole = copy.deepcopy(slim)
    known = {value.name for value in whole.graph.output}
    for name in head.cut:
        if name not in known:
            whole.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    noise = _noise(done)
    before = run(whole, _further(whole) | noise, head.cut, scratch / "whole.onnx")
    after = run(done, noise, None, scratch / "done.onnx")
    _refuse_difference(before, after)


def compare_source(
    source: onnx.ModelProto, slim: onnx.ModelProto, name: str, size: tuple, first: bool, scratch: Path
) -> None:
    """Raise ToolchainError unless the simplified network gives the numbers of the uploaded one."""
    noise = _noise(slim, name)
    given = dict(noise)
    if not first:
        given[name] = np.ascontiguousarray(noise[name].transpose(0, 2, 3, 1))
    further = _further(slim, name)
    before = run(source, further | given, None, scratch / "source.onnx")
    after = run(slim, further | noise, None, scratch / "slim.onnx")
    _refuse_difference(before, after)


def _prove(
    slim: onnx.ModelProto, whole: onnx.ModelProto, head: heads.Head, size: tuple, scratch: Path
) -> None:
    """Compare our reading of boxes with the file's, see ``proving.py``."""
    own = [value.name for value in slim.graph.output]
    found = run(whole, _further(whole) | _noise(slim), [*own, *head.cut], scratch / "proof.onnx")
    head.notes.append(
        proving.prove(found[: len(own)], found[len(own) :], size, family=head.family, order=head.order)
    )


def _noise(model: onnx.ModelProto, name: str = "") -> dict[str, np.ndarray]:
    value = next(one for one in graphs.inputs_of(model) if name in ("", one.name))
    random = np.random.default_rng(0)
    return {value.name: random.random(shape_of(value)).astype(np.float32)}


def _further(model: onnx.ModelProto, image: str = "") -> dict[str, np.ndarray]:
    """Ones for further inputs, such as the scale of an image; they are cut off later, or refused."""
    found = {}
    for value in graphs.inputs_of(model):
        shape = [one if isinstance(one, int) else 1 for one in shape_of(value) or []]
        if value.name != image and len(shape) != 4:
            kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            found[value.name] = np.ones(shape, kind)
    return found


def run(
    model: onnx.ModelProto, inputs: dict[str, np.ndarray], outputs: list[str] | None, place: Path
) -> list[np.ndarray]:
    """The network's outputs on ONNX Runtime, in float."""
    onnx.save(model, str(place))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(place), options, providers=["CPUExecutionProvider"])
        return session.run(outputs, inputs)
    except Exception as error:
        raise InputError(
            msg(
                "ONNX Runtime cannot run the model ({error}): check that it runs where you exported it.",
                error=_last_line(error),
            )
        ) from error
    finally:
        place.unlink(missing_ok=True)


def _refuse_difference(before: list[np.ndarray], after: list[np.ndarray]) -> None:
    for one, two in zip(before, after, strict=True):
        one, two = np.asarray(one, np.float64).reshape(-1), np.asarray(two, np.float64).reshape(-1)
        largest = float(np.abs(one).max(initial=1.0))
        if one.shape != two.shape or not float(np.abs(one - two).max(initial=0.0)) <= TOLERANCE * largest:
            raise ToolchainError(
                msg(
                    "Simplifying the network changed its numbers, so it was not accepted: simplify it "
                    "yourself, for example with onnxsim, and upload the result."
                )
            )


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:200].rstrip(".")
