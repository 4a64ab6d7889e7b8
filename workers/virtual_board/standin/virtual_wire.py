"""The protocol between the stand-in for the vendor's library, the virtual board and its engines.

One JSON object per line over a unix socket, followed by ``bytes`` raw bytes if the object has that field.
Standard library only: the stand-in imports it with the board's Python.
"""

import json
import socket

ENGINE_VARIABLE = "SLIPWAY_VIRTUAL_ENGINE"
SOCKET_VARIABLE = "SLIPWAY_VIRTUAL_SOCKET"
CAMERA_VARIABLE = "VIRTUAL_CAMERA"  # the folder or zip of its pictures
CAMERA_FAULT_VARIABLE = "VIRTUAL_CAMERA_FAULT"
DEVICE_VARIABLE = "VIDEO_DEVICES"  # stands for /dev/video*

engine = None  # the line to the engine of the model that this process loaded last


class Line:
    """A connection to a unix socket at ``path``, or an accepted one; ``ask`` sends and waits."""

    def __init__(self, path=None, accepted=None):
        self.socket = accepted or socket.socket(socket.AF_UNIX)
        if accepted is None:
            self.socket.connect(path)
        self.stream = self.socket.makefile("rwb")

    def send(self, fields, data=b""):
        self.stream.write(json.dumps(dict(fields, bytes=len(data))).encode() + b"\n" + data)
        self.stream.flush()

    def receive(self):
        """``(fields, data)``; EOFError if the other side is gone."""
        line = self.stream.readline()
        if not line:
            raise EOFError("the virtual board's engine is gone")
        fields = json.loads(line)
        return fields, self.stream.read(fields.get("bytes", 0))

    def ask(self, fields, data=b""):
        self.send(fields, data)
        return self.receive()[0]

    def close(self):
        self.stream.close()
        self.socket.close()
