import socket
import threading

import pytest

from portal.devices.errors import BoardError, HostKeyChanged, Unreachable
from portal.devices.hostkeys import HostKey, load_private_key
from portal.devices.jumping import fetch_host_key


def test_a_host_key_reads_back_what_it_writes():
    key = HostKey("ssh-ed25519", "SHA256:abc")
    assert HostKey.parse(str(key)) == key


def test_a_fingerprint_alone_is_a_host_key_of_any_kind():
    assert HostKey.parse("SHA256:abc").matches(HostKey("ssh-rsa", "SHA256:abc"))


def test_text_that_is_no_fingerprint_is_refused():
    with pytest.raises(ValueError, match="must look like"):
        HostKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")


def test_the_changed_key_error_shows_both_fingerprints_and_what_to_do():
    text = str(HostKeyChanged("10.1.1.144:22", "ssh-ed25519 SHA256:old", "ssh-ed25519 SHA256:new"))
    assert "SHA256:old" in text and "SHA256:new" in text and "accept the new key" in text


def test_text_that_is_no_private_key_says_what_to_paste():
    with pytest.raises(BoardError, match="paste an Ed25519, ECDSA or RSA key"):
        load_private_key("-----BEGIN NONSENSE-----")


def test_a_refused_connection_says_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="refused the connection: check the port"):
            fetch_host_key("127.0.0.1", taken.getsockname()[1])


def test_an_unknown_name_says_so():
    with pytest.raises(Unreachable, match="The name board.invalid is not known on this network"):
        fetch_host_key("board.invalid")


def test_a_server_that_does_not_speak_ssh_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            peer, _ = server.accept()
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(Unreachable, match="does not speak SSH"):
            fetch_host_key("127.0.0.1", server.getsockname()[1], timeout=30)


def test_a_silent_server_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(Unreachable, match="finished starting"):
            fetch_host_key("127.0.0.1", server.getsockname()[1], timeout=0.3)
