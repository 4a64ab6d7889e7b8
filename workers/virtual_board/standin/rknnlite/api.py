"""``RKNNLite`` with the calls that a runner needs; the virtual board's engine computes the network."""

import math
import os

import numpy
import rknnlite
import virtual_wire

FLOAT_BYTES = 4


class RKNNLite:
    """``load_rknn(path)`` and ``init_runtime()`` return 0 if all is well; ``inference`` the raw outputs."""

    def load_rknn(self, path):
        board = virtual_wire.Line(os.environ[virtual_wire.SOCKET_VARIABLE])
        try:
            self._told = board.ask({"open": os.path.realpath(path)})
        finally:
            board.close()
        if "error" in self._told:
            os.write(1, f"E RKNN: rknn_init fail! virtual board: {self._told['error']}\n".encode())
            return -1
        rknnlite.SLIPWAY_VIRTUAL_ENGINE = self._told["engine"]
        return 0

    def init_runtime(self):
        self._engine = virtual_wire.Line(self._told["socket"])
        return 0

    def inference(self, inputs):
        """One image, uint8, 1 x height x width x 3; its outputs moved by one class if that was ordered."""
        self._engine.send({"feed": True}, numpy.ascontiguousarray(inputs[0]).tobytes())
        told, data = self._engine.receive()
        outputs, at = [], 0
        for shape in told["shapes"]:
            count = math.prod(shape)
            values = numpy.frombuffer(data, numpy.float32, count, at * FLOAT_BYTES).reshape(shape)
            outputs.append(numpy.roll(values, self._told["wrong_answer"], axis=1))
            at += count
        return outputs
