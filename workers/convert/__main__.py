"""``python -m workers.convert <job folder>``: converts ONNX to a measured RKNN model.

The work runs in a second process, because rknn-toolkit2 may abort its process (for instance, on a convolution
that the target lacks), and the crash must then be reported.
"""

import signal
import subprocess
import sys
from pathlib import Path

from workers import contract
from workers.contract.oom import MemoryWatch
from workers.convert.toolkit_errors import explain_crash


def main() -> int:
    """Run the job and return its exit status; after a crash, write the missing failed result."""
    # Only the leader of the process group watches its parent, and the second process is not the leader.
    contract.die_with_parent()
    memory = MemoryWatch()
    status = subprocess.run([sys.executable, "-m", "workers.convert.program", *sys.argv[1:]]).returncode
    if status >= 0:
        return status
    number = -status
    if number != signal.SIGTERM:
        folder = contract.JobFolder(sys.argv[1])
        message = explain_crash(signal.Signals(number).name, _last_words(folder), memory.ran_out())
        folder.write_result({"ok": False, "kind": "toolchain", "message": message, "tool_seconds": {}})
    return 128 + number


def _last_words(folder: contract.JobFolder) -> str:
    """Return the toolkit's output in its last step; empty if it had not started."""
    log = Path(folder.scratch, "toolkit", "toolkit-step.log")
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
