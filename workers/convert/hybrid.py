"""Hybrid quantization: a few layers of an int8 model computed in 16 bits.

rknn-toolkit2 writes a configuration with one entry per tensor (step 1) and builds according to it (step 2). A
layer gains only if its input tensor, the output of its convolution and that of its activation are all 16 bits
wide: the toolkit converts between tensors of different widths, and lost precision stays lost.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from workers.contract import InputError
from workers.contract.messages import msg

if TYPE_CHECKING:
    import onnx

_NONE_CHOSEN = "custom_quantize_layers: {}\n"
_TENSOR = re.compile(r"^    (\S[^:\n]*):$", re.MULTILINE)
# The toolkit's own layers at the end of a network are named after the model's output.
_OWN_SUFFIX = re.compile(r"_(?:int8|mm)$")
LONGEST_WALK = 8  # nodes from a layer's output back to its convolution


def tensors(model: onnx.ModelProto, layers: list[str], known: list[str]) -> list[str]:
    """Return the tensors that the layers need in 16 bits; ``layers`` are the names of their outputs.

    ``known`` are the tensors of the toolkit's configuration. Raises InputError for an unknown layer.
    """
    makers = {output: node for node in model.graph.node for output in node.output}
    chosen: dict[str, None] = {}
    for layer in layers:
        output = layer if layer in makers else _OWN_SUFFIX.sub("", layer)
        # The model's input stays in 8 bits: the toolkit supports no other.
        found = [name for name in _around(output, makers) if name in known and name in makers]
        if not found:
            raise InputError(
                msg("The model has no layer {layer}: choose one of its per-layer errors.", layer=layer)
            )
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _around(layer: str, makers: dict[str, onnx.NodeProto]) -> list[str]:
    """The tensors from the layer's output back to its convolution's input, along each node's first input."""
    found = [layer]
    for _ in range(LONGEST_WALK):
        maker = makers.get(found[-1])
        if maker is None:
            break
        found.append(maker.input[0])
        if maker.op_type in ("Conv", "Gemm", "MatMul"):
            break
    return found


def tensors_of(config: str) -> list[str]:
    """The names of the tensors in the toolkit's configuration."""
    return [name.strip("'\"") for name in _TENSOR.findall(config)]


def choose(config: str, names: list[str]) -> str:
    """Return the configuration with these tensors in 16 bits."""
    if _NONE_CHOSEN not in config:
        raise ValueError("the configuration chooses layers already")
    lines = "".join(f"    {json.dumps(name)}: int16\n" for name in names)
    return config.replace(_NONE_CHOSEN, f"custom_quantize_layers:\n{lines}", 1)
