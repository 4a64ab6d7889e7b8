"""Changes how a board lets users in: its authorized keys, and a user's password.

Plain shell and the tools of busybox or Debian. A secret goes over standard input, never into arguments, logs
or files of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from portal.core.untrusted import clean_sentence
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, RemoteFailed, WrongPassword
from workers.contract.messages import msg

SECONDS = 30.0
# Where servers look: OpenSSH and dropbear in the user's home, OpenWrt's dropbear in a folder of its own.
KEY_FILES = (".ssh/authorized_keys", "/etc/dropbear/authorized_keys")
# Writes beside the file and renames: a power cut or a full disk leaves the old one. Status 3: no such folder.
EDIT_KEYS = """
cd || exit 1
umask 077
case $2 in
  .ssh/*)
    [ -d .ssh ] || [ "$1" = remove ] || mkdir .ssh || exit 1
    [ ! -d .ssh ] || chmod 700 .ssh || exit 1;;
  *) [ -d "${2%/*}" ] || exit 3;;
esac
[ -f "$2" ] || [ "$1" = add ] || exit 0
file=$(readlink -f "$2" 2>/dev/null)
[ -n "$file" ] || file=$2
new=$file.slipway
trap 'rm -f "$new"' EXIT
{
  if [ -f "$file" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      [ "$line" = "$3" ] || printf '%s\\n' "$line" || exit 1
    done < "$file"
  fi
  [ "$1" = remove ] || printf '%s\\n' "$3" || exit 1
} > "$new" || exit 1
mv "$new" "$file" && sync
"""
# A login without a terminal may have no sbin in its path.
WITH_SBIN = 'PATH=$PATH:/usr/sbin:/sbin; exec "$@"'
# In this order: a strong hash where the board's C library knows it. busybox's own choice is DES, which takes
# only the first eight characters, so it comes late.
SETTERS = (("chpasswd", "-c", "SHA512"), ("chpasswd", "-m"), ("chpasswd",), ("passwd",))


class NotAuthorized(BoardError):
    """The board does not take the new credentials; the earlier ones still work."""

    code = "not-authorized"


def add_key(connection: BoardConnection, line: str, prove: Callable[[], None]) -> str:
    """Authorize a public key and prove it; return its file. ``prove`` raises WrongPassword if it is refused.

    Files in which it had no effect are left as they were. Raises NotAuthorized, and what ``prove`` raises.
    """
    reasons = []
    for file in KEY_FILES:
        result = connection.run(["sh", "-c", EDIT_KEYS, "sh", "add", file, line], timeout=SECONDS)
        if not result.ok:
            reasons.append(result.last_words() if result.status != 3 else "")
            continue
        try:
            prove()
            return file
        except WrongPassword as error:
            reasons.append(str(error))
            remove_key(connection, line, (file,))
        except BaseException:
            remove_key(connection, line, (file,))
            raise
    raise NotAuthorized(
        msg(
            "The board at {address} does not take the new key, and the earlier sign-in stays ({reason}): "
            "allow Ed25519 keys in its SSH server, check that its storage is not read-only, and that only "
            "its user may write to the home folder.",
            address=connection.address,
            reason=clean_sentence(next(filter(None, reasons), "")) or msg("no reason given"),
        )
    )


def remove_key(connection: BoardConnection, line: str, files: Sequence[str] = KEY_FILES) -> None:
    """Take the key out of the files. Raises RemoteFailed."""
    for file in files:
        result = connection.run(["sh", "-c", EDIT_KEYS, "sh", "remove", file, line], timeout=SECONDS)
        if not result.ok and result.status != 3:
            raise RemoteFailed(
                msg(
                    "The key could not be removed from {file} on the board at {address} ({reason}): check "
                    "that its storage is not read-only.",
                    file=file,
                    address=connection.address,
                    reason=result.last_words(),
                )
            )


def set_password(
    connection: BoardConnection, user: str, old: str, new: str, prove: Callable[[str], None]
) -> None:
    """Change the user's password and prove the new one; ``prove`` raises WrongPassword if it is refused.

    If no way works, the old password is put back. Raises NotAuthorized then, and what ``prove`` raises.
    """
    reason = _set(connection, user, old, new, prove)
    if reason is None:
        return
    if old:
        _set(connection, user, new, old, prove)
    raise NotAuthorized(
        msg(
            "The password of {user} on the board at {address} could not be changed ({reason}): check that "
            "its storage is not read-only, and that it has passwd or chpasswd.",
            user=user,
            address=connection.address,
            reason=clean_sentence(reason) or msg("no reason given"),
        )
    )


def _set(connection, user: str, old: str, new: str, prove: Callable[[str], None]) -> str | None:
    """None if it worked, else why it did not."""
    is_root = connection.run(["id", "-u"], timeout=SECONDS).stdout.strip() == "0"
    reason = ""
    for setter in SETTERS:
        lines = [f"{user}:{new}"] if setter[0] == "chpasswd" else [new, new] if is_root else [old, new, new]
        given = "".join(f"{line}\n" for line in lines).encode()
        result = connection.run(["sh", "-c", WITH_SBIN, "sh", *setter], stdin=given, timeout=SECONDS)
        if not result.ok:
            reason = reason or result.last_words().replace(new, "…").replace(old or new, "…")
            continue
        try:
            prove(new)
            return None
        except WrongPassword as error:
            reason = str(error)
    return reason
