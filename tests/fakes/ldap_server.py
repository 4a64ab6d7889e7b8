"""A small directory on loopback that speaks LDAP's BER: bind, search by equality, STARTTLS, over TLS or not.

It understands what the portal sends, and is strict where the portal must be: a bind with an empty password is
anonymous and succeeds, as in many directories, so that sending one would be seen.
"""

import socket
import ssl
import threading

from ldap3.protocol import rfc4511 as ldap
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import SubstrateUnderrunError

STARTTLS = "1.3.6.1.4.1.1466.20037"
BASE = "dc=example,dc=org"
READER = ("cn=reader," + BASE, "reader's password")


def person(name: str, password: str, **more) -> tuple[str, dict]:
    entry = {"uid": [name], "entryUUID": [f"uuid-of-{name}"], "mail": [f"{name}@example.org"]}
    return f"uid={name},ou=people,{BASE}", entry | more | {"userPassword": [password]}


class Directory:
    def __init__(self, certificate: tuple[str, str]):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(*certificate)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        self.entries: dict = {READER[0]: {"cn": ["reader"], "userPassword": [READER[1]]}}
        self.binds: list = []  # (dn, password, whether over TLS)
        self.tls_at_once = self.mute = False

    def close(self) -> None:
        self.socket.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        try:
            if self.tls_at_once:
                line = self.context.wrap_socket(line, server_side=True)
            while message := _read(line):
                line = self._answer(line, message) or line
        except OSError:
            pass
        finally:
            line.close()

    def _answer(self, line, message):
        kind = message["protocolOp"].getName()
        number, asked = message["messageID"], message["protocolOp"].getComponent()
        if self.mute:
            return threading.Event().wait(0.5)
        if kind == "bindRequest":
            _send(line, number, "bindResponse", ldap.BindResponse(), self._bind(line, asked))
        elif kind == "searchRequest":
            return self._search(line, number, asked)
        elif kind == "extendedReq" and str(asked["requestName"]) == STARTTLS:
            _send(line, number, "extendedResp", ldap.ExtendedResponse(), 0)
            return self.context.wrap_socket(line, server_side=True)
        else:
            raise OSError("unbind")
        return None

    def _bind(self, line, asked) -> int:
        dn, password = str(asked["name"]), str(asked["authentication"].getComponent())
        self.binds.append((dn, password, isinstance(line, ssl.SSLSocket)))
        known = [] if dn not in self.entries else self.entries[dn]["userPassword"]
        return 0 if not password or password in known else 49

    def _search(self, line, number, asked) -> None:
        base, whole = str(asked["baseObject"]), int(asked["scope"]) == 2
        found = [
            dn for dn, entry in self.entries.items()
            if (dn == base or whole and dn.endswith("," + base)) and _fits(asked["filter"], entry)
        ]  # fmt: skip
        wanted = {str(name).lower() for name in asked["attributes"]}
        for dn in found[: int(asked["sizeLimit"]) or None]:
            _send_entry(line, number, dn, self.entries[dn], wanted)
        _send(line, number, "searchResDone", ldap.SearchResultDone(), 0 if found or whole else 32)


def _fits(wanted, entry: dict) -> bool:
    if wanted.getName() == "present":
        return True
    pair = wanted["equalityMatch"]
    name, value = str(pair["attributeDesc"]), str(pair["assertionValue"])
    return value.lower() in [one.lower() for one in entry.get(name, []) if isinstance(one, str)]


def _read(line):
    data = b""
    while True:
        data += (piece := line.recv(65536))
        if not piece:
            return None
        try:
            return decoder.decode(data, asn1Spec=ldap.LDAPMessage())[0]
        except SubstrateUnderrunError:
            continue


def _send_entry(line, number, dn: str, entry: dict, wanted: set) -> None:
    found = ldap.SearchResultEntry()
    found["object"] = dn
    for name, values in entry.items():
        if name.lower() in wanted:
            attribute = ldap.PartialAttribute()
            attribute["type"] = name
            attribute["vals"].extend(values)
            found["attributes"].append(attribute)
    found["attributes"].extend([])
    _write(line, number, "searchResEntry", found)


def _send(line, number, kind: str, answer, code: int) -> None:
    answer["resultCode"], answer["matchedDN"], answer["diagnosticMessage"] = code, "", ""
    _write(line, number, kind, answer)


def _write(line, number, kind: str, answer) -> None:
    message = ldap.LDAPMessage()
    message["messageID"] = number
    message["protocolOp"][kind] = answer
    line.sendall(encoder.encode(message))
