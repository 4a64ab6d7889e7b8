"""``slipway.Client``: the examples of its README, its errors, its types."""

import http.server
import json
import re
import ssl
import threading
import typing

import pytest
import slipway
from django.core.management import call_command
from slipway import Client, NotFound, Refused, Undecided, Unreachable, board_types, types
from slipway.errors import SlipwayError

from tests.certificates import self_signed
from tests.cli.conftest import CLIENT
from tests.cli.test_exit_codes import answering

README = (CLIENT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"\n## (.+?)\n.*?```python\n(.*?)```", README, re.S)
JSON = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


@pytest.mark.django_db(transaction=True)
def test_the_five_examples_of_the_readme_do_what_they_say(portal, pets, monkeypatch, capsys):
    monkeypatch.chdir(pets.parent)
    client = Client()
    board = {"name": "Bench", "profile": "virtual", "host": "127.0.0.1", "password": "secret"}
    client.post("devices/", json=board)
    said = {}
    for title, code in EXAMPLES:
        exec(compile(code, title, "exec"), {})
        said[title] = capsys.readouterr().out
    assert len(said) == 5
    assert said["From images to a board"] == "Bench: 95.0% on 2 images\n"
    assert re.match(r"\d+\.\d% -> 95\.0%\n\d+ predictions\n", said["What int8 changed"])
    assert re.match(r"models/rv1106/model\.rknn \d+\n$", said["Files"])
    assert said["A board's predictions"].endswith("is current\n0.png dog\n")
    told = said["Errors, lists and calls without a method"]
    assert "There is no chip 'rv9999'" in told and "\n400 {" in told and "succeeded" in told
    assert client.get(f"runs/{next(client.runs())['id']}/")["notes"] == "The best so far."


def test_every_error_that_the_readme_names_is_one_of_the_package():
    names = re.findall(r"^\| `(\w+)` \|", README, re.M)
    public = {name for name in slipway.__all__ if name not in ("Client", "SlipwayError")}
    assert set(names) == public
    assert all(issubclass(getattr(slipway, name), SlipwayError) for name in names)


def test_an_error_has_the_fields_of_the_problem():
    body = json.dumps(
        {"title": "Not accepted", "detail": "chips: No.", "errors": {"chips": ["No."]}}
    ).encode()
    with answering((400, {"X-Request-ID": "abc"}, body)) as server, pytest.raises(Refused) as caught:
        Client(server.url).post("runs/", json={})
    error = caught.value
    assert (str(error), error.status, error.title) == ("chips: No.", 400, "Not accepted")
    assert (error.errors, error.request_id) == ({"chips": ["No."]}, "abc")


def test_what_is_no_document_of_the_portal_is_an_error_of_ours():
    with answering((200, {}, b"<html>")) as server, pytest.raises(Unreachable, match="cannot be understood"):
        Client(server.url).get("runs/")


def test_waiting_ends_in_time():
    row = {"id": 7, "status": "running", "message": ""}
    with answering((200, {}, json.dumps(row).encode())) as server, pytest.raises(TimeoutError):
        Client(server.url).wait(7, timeout=0)


@pytest.mark.django_db(transaction=True)
def test_an_upload_in_doubt_and_one_that_is_refused_are_exceptions(portal, pets, tmp_path):
    client = Client()
    with pytest.raises(Undecided):
        client.upload(pets, "Pets", {"review": True})
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(Refused, match="not a zip or a tar"):
        client.upload(tmp_path / "bad.zip", "Bad")
    with pytest.raises(NotFound):
        client.version("Cats")


# --- certificates


@pytest.fixture
def with_certificate(tmp_path):
    """A portal that speaks TLS with a certificate of its own: its address, and the certificate's file."""
    file = tmp_path / "cert.pem"
    file.write_bytes(self_signed())

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b'{"results": [], "next": null}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}", str(file)
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_untrusted_certificate_is_refused_at_once_with_a_sentence(with_certificate, monkeypatch):
    url, _ = with_certificate
    monkeypatch.setattr(slipway.calls.time, "sleep", lambda seconds: pytest.fail("it tried again"))
    with pytest.raises(Unreachable, match="is not trusted: name the file of its authority by --cacert"):
        list(Client(url, patience=60).runs())


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", ""])
def test_a_certificate_is_trusted_by_name_or_by_the_usual_variables(with_certificate, monkeypatch, variable):
    url, file = with_certificate
    for name in slipway.calls.CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, file)
    assert list(Client(url, cacert="" if variable else file).runs()) == []


def test_a_file_that_holds_no_certificate_is_named(tmp_path):
    (tmp_path / "x.pem").write_text("nothing")
    for path in (tmp_path / "x.pem", tmp_path / "missing.pem"):
        with pytest.raises(slipway.Usage, match="is no file of certificates"):
            Client("https://portal", cacert=str(path))


# --- types

SCHEMAS = {
    "Version": "DatasetVersionDetail", "StoredFile": "Artifact", "Parity": "ParityReport",
    "ReviewItem": "Item", "BoardApplication": "Application",
}  # fmt: skip


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--format", "openapi-json", "--file", str(path))
    return json.loads(path.read_text())["components"]["schemas"]


KNOWN = {**vars(types), **vars(board_types)}
ROWS = [name for name, kind in KNOWN.items() if typing.is_typeddict(kind)]


@pytest.mark.parametrize("name", ROWS)
def test_the_types_are_those_of_the_schema(name, schemas):
    properties = schemas[SCHEMAS.get(name, name)]["properties"]
    for field, annotation in KNOWN[name].__annotations__.items():
        assert field in properties, field
        told, wanted = properties[field], str(annotation.__forward_arg__)
        assert ("None" in wanted) == bool(told.get("nullable")) or "Any" in wanted, field
        kind = JSON.get(wanted.removesuffix(" | None"))
        assert kind is None or told.get("type") in (kind, None), field
