"""A publisher for MQTT 3.1.1: connect, publish with QoS 0 or 1, keep alive. Python 3.8+, standard library.

Boards have no MQTT package and often no pip, so these few packets are written by hand. It does not
subscribe; QoS 2 is left out. TLS needs the ssl module of the board's Python. Every call has a deadline.
Section numbers are those of the OASIS standard.
"""

import socket
import struct
import time

CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 12, 13, 14
LONGEST = 4096  # bytes of a packet from the broker: it only acknowledges
REFUSED = {  # 3.2.2.3
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses this client id",
    3: "the broker is not available",
    4: "wrong user or password",
    5: "not allowed",
}


class MqttError(OSError):
    """The broker refused, or broke the protocol."""


def encoded(text):
    """A UTF-8 string with its length (1.5.3)."""
    data = text.encode("utf-8")
    if len(data) > 65535:
        raise MqttError("a text is too long for MQTT")
    return struct.pack(">H", len(data)) + data


def packet(kind, flags, body):
    """A packet with its fixed header (2.2)."""
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind << 4 | flags]) + length + body


def encrypted(plain, host, ca):
    """The connection in TLS, with the broker's certificate checked: by ``ca``, certificates as PEM text, or
    by those that the board trusts.
    """
    try:
        import ssl
    except ImportError as error:
        raise MqttError("the board's Python has no ssl module, so it cannot speak TLS") from error
    try:
        context = ssl.create_default_context(cadata=ca or None)
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        words = "the broker's certificate is not accepted: {}; check its CA, its name and the board's clock"
        raise MqttError(words.format(error.verify_message)) from error


class Publisher:
    """A connection to a broker. Any failure is an OSError, after which it is closed."""

    def __init__(
        self, host, port, client_id, user="", password="", keepalive=60, timeout=10.0, tls=False, ca=""
    ):
        self.number, self.keepalive, self.timeout = 0, keepalive, timeout
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.settimeout(timeout)
        self.spoke = time.monotonic()
        try:
            if tls:
                self.socket = encrypted(self.socket, host, ca)
            self._connect(client_id, user, password)
        except BaseException:
            self.close()
            raise

    def _connect(self, client_id, user, password):
        flags = 0x02  # a clean session (3.1.2.4)
        payload = encoded(client_id)
        if user:
            flags |= 0x80
            payload += encoded(user)
            if password:
                flags |= 0x40
                payload += encoded(password)
        body = encoded("MQTT") + bytes([4, flags]) + struct.pack(">H", self.keepalive) + payload
        self._send(packet(CONNECT, 0, body))
        kind, answer = self._read()
        if kind != CONNACK or len(answer) != 2:
            raise MqttError("no MQTT broker answers there")
        if answer[1]:
            raise MqttError(REFUSED.get(answer[1], f"refused with code {answer[1]}"))

    def publish(self, topic, payload, qos=0, retain=False):
        """Send one message; with QoS 1, wait until the broker has it."""
        head = encoded(topic)
        if qos:
            self.number = self.number % 65535 + 1
            head += struct.pack(">H", self.number)
        self._send(packet(PUBLISH, qos << 1 | bool(retain), head + payload))
        if qos:
            self._wait_for(PUBACK, struct.pack(">H", self.number))

    def keep_alive(self):
        """Ping the broker if nothing was sent for half the time that it waits (3.1.2.10)."""
        if time.monotonic() - self.spoke > self.keepalive / 2:
            self._send(packet(PINGREQ, 0, b""))
            self._wait_for(PINGRESP, b"")

    def close(self, politely=False):
        try:
            if politely:
                self._send(packet(DISCONNECT, 0, b""))
        except OSError:
            pass
        self.socket.close()

    def _send(self, data):
        self.socket.sendall(data)
        self.spoke = time.monotonic()

    def _wait_for(self, wanted, body):
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            kind, answer = self._read()
            if kind == wanted and answer == body:
                return
        raise MqttError("the broker does not acknowledge")

    def _read(self):
        kind, length, shift = self._exactly(1)[0] >> 4, 0, 0
        while True:
            digit = self._exactly(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
            if shift > 21:
                raise MqttError("the broker sent a packet that makes no sense")
        if length > LONGEST:
            raise MqttError("the broker sent a packet that is too long")
        return kind, self._exactly(length)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise MqttError("the broker closed the connection")
            data += more
        return data
