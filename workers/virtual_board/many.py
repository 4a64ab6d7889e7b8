"""``python -m workers.virtual_board.many --root DIR --count N --password-file FILE``: many virtual boards.

One process loads Python's and the engine's libraries, and forks a process for each board, so that a hundred
start within seconds. Board n has its own folder, ``DIR/board<n>``, and its own port, key and engines; the
boards share one password. ``DIR/board<n>/state.json`` tells its port and its host key.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from workers.contract.ties import tied
from workers.virtual_board.__main__ import forget_environment, read_password, serve
from workers.virtual_board.board import VirtualBoard
from workers.virtual_board.forking import EngineMaker

MOST = 1000


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workers.virtual_board.many", description="Many virtual boards.")
    parser.add_argument("--root", type=Path, required=True, help="the folder of their folders")
    parser.add_argument("--count", type=int, required=True, help=f"how many, at most {MOST}")
    parser.add_argument("--password-file", type=Path, required=True, help="its first line is the password")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port of the first board; 0 takes free ones")
    parser.add_argument("--user", default="root", help="name to log in with")
    parser.add_argument("--engine", choices=("simulator", "onnxruntime"), default="onnxruntime")
    options = parser.parse_args(argv)
    if not 1 <= options.count <= MOST:
        parser.error(f"--count takes 1 to {MOST}")
    return options


def run_board(options: argparse.Namespace, number: int, password: str) -> int:
    """Be one of the boards until it is stopped; return the exit status."""
    root, port = options.root / f"board{number}", options.port + number if options.port else 0
    board = VirtualBoard(root, options.user, password, options.engine, options.bind, port)
    board.root.mkdir(parents=True, exist_ok=True)
    if options.engine == "onnxruntime":
        board.maker = EngineMaker(options.engine)
    try:
        asyncio.run(serve(board))
    except OSError as error:
        print(f"Board {number} cannot start ({error}): choose another --port or --root.", file=sys.stderr)
        return 1
    return 0


def fork_board(options: argparse.Namespace, number: int, password: str) -> int:
    """Its process id."""
    tie = tied()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        tie()
        status = run_board(options, number, password)
    finally:
        sys.stdout.flush()
        os._exit(status)


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or until every board has ended; 1 if one ended by itself with an error."""
    options = parse(argv)
    password = read_password(options.password_file)
    if options.engine == "onnxruntime":
        import workers.virtual_board.engine  # noqa: F401  # loaded once, for all
    gc.freeze()
    boards = [fork_board(options, number, password) for number in range(options.count)]

    def stop(_number: int, _frame: object) -> None:
        for pid in boards:
            os.kill(pid, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0 for pid in boards)


if __name__ == "__main__":
    # The libraries start no threads, which a fork would lose.
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    forget_environment("workers.virtual_board.many")
    sys.exit(main())
