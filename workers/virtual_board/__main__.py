"""``python -m workers.virtual_board --root DIR --password-file FILE``: a board made of software."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from workers.virtual_board.board import VirtualBoard
from workers.virtual_board.hub import engine_name
from workers.virtual_board.misbehaviour import BadOrder, Misbehaviour

KEPT = {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}


def forget_environment(module: str = "workers.virtual_board") -> None:
    """Restart this program without the portal's environment, which holds secrets.

    Untrusted models run in this process's children, and a process's initial environment can be read.
    """
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    if kept.keys() != os.environ.keys():
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], kept)


def _is_kept(name: str) -> bool:
    return name in KEPT or name.startswith(("LC_", "PYTHON")) or name.endswith("_NUM_THREADS")


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="workers.virtual_board",
        description="A board made of software: SSH, SFTP and a stand-in for the vendor's library. Whoever "
        "has its password can run commands as the user who starts it, so keep it on the loopback address.",
    )
    parser.add_argument("--root", type=Path, required=True, help="its folder; made if it is not there")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=2222, help="port to listen on; 0 takes a free one")
    parser.add_argument("--user", default="root", help="name to log in with")
    parser.add_argument("--password-file", type=Path, required=True, help="its first line is the password")
    parser.add_argument("--host-key-file", type=Path, help="private host key; made if it is not there")
    parser.add_argument("--authorized-keys-file", type=Path, help="public keys that may log in")
    parser.add_argument("--engine", choices=("simulator", "onnxruntime"), default="simulator")
    parser.add_argument(
        "--camera", type=Path, help="pictures of its camera: a folder or zip (camera in --root)"
    )
    parser.add_argument("--misbehave", help="orders as JSON, or @file; written to misbehave.json in --root")
    return parser.parse_args(argv)


def read_password(path: Path) -> str:
    """The first line of the file. SystemExit with a sentence if there is none."""
    try:
        password = path.read_text("utf-8").splitlines()[0].strip()
    except (OSError, IndexError):
        password = ""
    if not password:
        raise SystemExit(f"{path} holds no password for the virtual board: write one into its first line.")
    return password


def make_board(options: argparse.Namespace) -> VirtualBoard:
    board = VirtualBoard(
        options.root,
        options.user,
        read_password(options.password_file),
        options.engine,
        options.bind,
        options.port,
    )
    board.host_key_file = options.host_key_file or board.host_key_file
    board.authorized_keys = options.authorized_keys_file
    board.camera = options.camera.resolve() if options.camera else board.camera
    board.root.mkdir(parents=True, exist_ok=True)
    if options.misbehave is not None:
        text = options.misbehave
        if text.startswith("@"):
            text = Path(text[1:]).read_text("utf-8")
        try:
            Misbehaviour.parse(text)
        except BadOrder as error:
            raise SystemExit(str(error)) from error
        (board.root / "misbehave.json").write_text(text, "utf-8")
    return board


async def serve(board: VirtualBoard) -> None:
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    await board.start()
    print(f"virtual board on {board.address}:{board.port}, engine {engine_name(board.engine)}", flush=True)
    try:
        await stopping.wait()
    finally:
        board.stop()


def main() -> int:
    board = make_board(parse())
    try:
        asyncio.run(serve(board))
    except OSError as error:
        print(f"The virtual board cannot start ({error}): choose another --port or --root.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    forget_environment()
    sys.exit(main())
