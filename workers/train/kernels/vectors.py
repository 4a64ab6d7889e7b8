"""Sixteen float32 at a time, for kernels compiled by Numba: LLVM does not vectorize the short rows of images.

Addresses are plain integers (``Tensor.data_ptr()``), indices count float32.
"""

from __future__ import annotations

from llvmlite import ir
from numba import carray, njit, types
from numba.extending import intrinsic, models, register_model

LANES = 16
_FLOAT = ir.FloatType()
_INDEX = ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, LANES)


class _Vector(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


vector = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, type_):
        super().__init__(manager, type_, _VECTOR)


def _place(builder, address, index, kind):
    first = builder.inttoptr(address, _FLOAT.as_pointer())
    return builder.bitcast(builder.gep(first, [index]), kind.as_pointer())


@intrinsic
def load(context, address, index):
    """Return the sixteen numbers from ``index`` on."""

    def generate(context, builder, signature, arguments):
        return builder.load(_place(builder, *arguments, _VECTOR), align=4)

    return vector(types.intp, types.intp), generate


@intrinsic
def store(context, address, index, value):
    """Write sixteen numbers from ``index`` on."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[2], _place(builder, *arguments[:2], _VECTOR), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, vector), generate


def _first(builder, count):
    """Return the mask of the first ``count`` lanes."""
    numbers = ir.Constant(ir.VectorType(count.type, LANES), list(range(LANES)))
    return builder.icmp_signed("<", numbers, _everywhere(builder, count))


def _everywhere(builder, value):
    many = ir.VectorType(value.type, LANES)
    alone = builder.insert_element(ir.Constant(many, ir.Undefined), value, _INDEX(0))
    return builder.shuffle_vector(alone, ir.Constant(many, ir.Undefined), _chosen([0] * LANES))


def _chosen(lanes):
    return ir.Constant(ir.VectorType(_INDEX, len(lanes)), list(lanes))


@intrinsic
def load_first(context, address, index, count):
    """Return the ``count`` numbers from ``index`` on, at most sixteen; zeros in the other lanes."""

    def generate(context, builder, signature, arguments):
        place, mask = _place(builder, *arguments[:2], _VECTOR), _first(builder, arguments[2])
        kind = ir.FunctionType(_VECTOR, [place.type, _INDEX, mask.type, _VECTOR])
        masked = builder.module.declare_intrinsic("llvm.masked.load.v16f32.p0", fnty=kind)
        return builder.call(masked, [place, _INDEX(4), mask, ir.Constant(_VECTOR, None)])

    return vector(types.intp, types.intp, types.intp), generate


@intrinsic
def _store_masked(context, address, index, value, count):
    def generate(context, builder, signature, arguments):
        place, mask = _place(builder, *arguments[:2], _VECTOR), _first(builder, arguments[3])
        kind = ir.FunctionType(ir.VoidType(), [_VECTOR, place.type, _INDEX, mask.type])
        masked = builder.module.declare_intrinsic("llvm.masked.store.v16f32.p0", fnty=kind)
        builder.call(masked, [arguments[2], place, _INDEX(4), mask])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, vector, types.intp), generate


@njit
def store_first(address, index, value, count):
    """Write the first ``count`` numbers from ``index`` on, at most sixteen."""
    if count >= LANES:  # some processors are slow with masks
        store(address, index, value)
    else:
        _store_masked(address, index, value, count)


def _shuffle(lanes):
    """Return a function of two vectors: the chosen ones of their 32 numbers."""

    @intrinsic
    def shuffle(context, left, right):
        def generate(context, builder, signature, arguments):
            return builder.shuffle_vector(*arguments, _chosen(lanes))

        return vector(vector, vector), generate

    return shuffle


evens = _shuffle(range(0, 2 * LANES, 2))
odds = _shuffle(range(1, 2 * LANES, 2))
low_pairs = _shuffle([lane // 2 + lane % 2 * LANES for lane in range(LANES)])
high_pairs = _shuffle([lane // 2 + lane % 2 * LANES for lane in range(LANES, 2 * LANES)])


@njit
def copy(target, source, count):
    """Copy ``count`` numbers from one address to another."""
    for at in range(0, count, LANES):
        store_first(target, at, load_first(source, at, count - at), count - at)


@intrinsic
def spread(context, value):
    """Return a vector of sixteen equal numbers."""

    def generate(context, builder, signature, arguments):
        return _everywhere(builder, arguments[0])

    return vector(types.float32), generate


@intrinsic
def add_product(context, total, left, right):
    """Return ``total + left * right``, in one instruction where the processor has it."""

    def generate(context, builder, signature, arguments):
        product = builder.fmul(arguments[1], arguments[2], flags=("contract",))
        return builder.fadd(arguments[0], product, flags=("contract",))

    return vector(vector, vector, vector), generate


@intrinsic
def total(context, value):
    """Return the sum of sixteen numbers."""

    def generate(context, builder, signature, arguments):
        part, width = arguments[0], LANES
        while width > 1:
            width //= 2
            halves = [
                builder.shuffle_vector(
                    part, ir.Constant(part.type, ir.Undefined), _chosen(range(start, start + width))
                )
                for start in (0, width)
            ]
            part = builder.fadd(*halves)
        return builder.extract_element(part, _INDEX(0))

    return types.float32(vector), generate


@intrinsic
def _float_pointer(context, address):
    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float32)(types.intp), generate


@njit
def floats(address, count):
    """Return the array of ``count`` float32 at an address."""
    return carray(_float_pointer(address), (count,))


@intrinsic
def get(context, address, index):
    """Return one number."""

    def generate(context, builder, signature, arguments):
        return builder.load(_place(builder, *arguments, _FLOAT), align=4)

    return types.float32(types.intp, types.intp), generate


@intrinsic
def put(context, address, index, value):
    """Write one number."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[2], _place(builder, *arguments[:2], _FLOAT), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.float32), generate
