"""Starts the engine process, turns its output into events, and sends it the weights to export."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from workers.contract import JobFolder, ToolchainError
from workers.contract.messages import msg
from workers.contract.oom import MemoryWatch
from workers.contract.ties import TiedProcess
from workers.train import checkpoints
from workers.train.checkpoints import History
from workers.train.configuration import write_configurations
from workers.train.errors import diverged, explain, not_pruned
from workers.train.parameters import Plan
from workers.train.progress import NOT_PRUNED, SETTLED, WITHOUT_KERNELS, EvalLine, MarkLine, TrainLine
from workers.train.tasks import TASKS
from workers.train.unpickling import Refused

TAIL_LINES = 200
# Minimum distance between two points of a curve; the last one of an epoch is always kept.
METRIC_SECONDS = 0.4
# In the job's progress, the work after the last epoch counts as this many epochs.
AFTER_TRAINING_EPOCHS = 1.0


class Training:
    """One run of the engine process. ONNX files and the final evaluation are made elsewhere."""

    def __init__(self, folder: JobFolder, plan: Plan):
        self.folder, self.plan, self.task = folder, plan, TASKS[plan.task]
        self.output = folder.scratch / "output"
        self.history = History(identity_of(plan))
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.statistics: dict | None = None  # the result of ``precise_bn``
        self._phase = ""
        self._last_metric = 0.0
        self._first: tuple[float, float] | None = None

    def run(self) -> Path:
        """Train and export; return the folder with ``inference.json`` and ``inference.pdiparams``."""
        suites = self.task.suite.link(self.folder.scratch, self.plan)
        self.output.mkdir(parents=True, exist_ok=True)
        checkpoint = self._earlier_checkpoint()
        done = max(self.history.scores, default=0)
        suite = self.task.suite_configuration(self.plan, self.output)
        configuration = write_configurations(self.plan, suite, self.folder.scratch, self.output, checkpoint)
        export_to = self.folder.scratch / "inference"
        argv = [sys.executable, "-m", "workers.train.engine", str(configuration)]
        argv += ["--suites", str(suites), "--export-to", str(export_to)]
        if done >= self.plan.epochs:
            argv.append("--export-only")
        self._report_phase(msg("start PaddleX"))
        with self.folder.tool("paddlex"):
            self._supervise(argv)
        if not (export_to / "inference.pdiparams").is_file():
            raise ToolchainError(msg("PaddleX exported no inference model. The log has the details."))
        return export_to

    @property
    def best_weights(self) -> Path:
        """The best epoch's ``.pdparams``."""
        epochs = checkpoints.complete_epochs(self.output)
        if self.history.best_epoch not in epochs:
            raise ToolchainError(
                msg("PaddleX ended without saving a trained epoch. The log has the details.")
            )
        return epochs[self.history.best_epoch].with_suffix(".pdparams")

    def _earlier_checkpoint(self) -> Path | None:
        if not self.plan.resume:
            return None
        stem = checkpoints.take_over(self.plan.resume, self.output, self.history)
        if stem is None:
            self.plan.notices.append(
                msg("The earlier attempt left no checkpoint to go on from: trained from the start.")
            )
            return None
        try:
            checkpoints.clean_all(self.output)
        except Refused as reason:
            checkpoints.prune(self.output, keep=set())
            self.history.scores.clear()
            self.history.losses.clear()
            self.plan.notices.append(
                msg(
                    "The earlier attempt's checkpoint was not opened, because it holds {reason}: "
                    "trained from the start.",
                    reason=reason,
                )
            )
            return None
        self.history.save(self.folder.scratch)
        self.plan.notices.append(
            msg("Went on after epoch {epoch} of an earlier attempt.", epoch=max(self.history.scores))
        )
        for epoch, score in self.history.scores.items():
            self.folder.metric(epoch, f"val/{self.task.metric}", score)
        return stem.with_suffix(".pdparams")

    def _supervise(self, argv: list[str]) -> None:
        memory = MemoryWatch()
        process = TiedProcess(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
        )
        try:
            for line in self._lines(process):
                said = self.task.parse_line(line)
                if isinstance(said, MarkLine) and said.text == "trained":
                    self._report_phase(msg("export"))
                    process.stdin.write(f"{self.best_weights}\n")
                    process.stdin.flush()
                else:
                    self.on_line(said)
            if process.wait() != 0:
                tail, status = list(self.tail), process.returncode
                raise explain(tail, status, self.plan.input_size, self.plan.device, memory.ran_out())
        finally:
            kill_tree(process)

    def _lines(self, process: subprocess.Popen) -> Iterator[str]:
        for line in process.stdout:
            print(line, end="", flush=True)
            self.tail.append(line.rstrip("\n"))
            yield line

    def on_line(self, said: TrainLine | EvalLine | MarkLine | None) -> None:
        """Turn PaddleX's output into events. Raises InputError if the training has diverged."""
        if isinstance(said, TrainLine):
            self._on_train(said)
        elif isinstance(said, EvalLine):
            self._on_eval(said)
        elif isinstance(said, MarkLine) and said.text.startswith(SETTLED):
            self.statistics = json.loads(said.text.removeprefix(SETTLED))
        elif said == MarkLine(WITHOUT_KERNELS):
            self.plan.notices.append(
                msg(
                    "Trained slower than usual: the fast operators could not be used on this worker. "
                    "The log has the details."
                )
            )
        elif isinstance(said, MarkLine) and said.text.startswith(NOT_PRUNED):
            raise not_pruned(said.text)

    def _on_train(self, line: TrainLine) -> None:
        epochs = self.plan.epochs
        self._report_phase(msg("epoch {epoch}/{epochs}", epoch=line.epoch, epochs=epochs))
        self._refuse_divergence(line)
        now = time.monotonic()
        if now - self._last_metric < METRIC_SECONDS and line.step != line.steps:
            return
        self._last_metric = now
        step = (line.epoch - 1) * line.steps + line.step
        for name, metric in self.task.curves.items():
            if math.isfinite(line.values.get(name, math.nan)):
                self.folder.metric(step, metric, line.values[name])
        done = line.epoch - 1 + line.step / line.steps
        self.folder.progress(round(done, 3), epochs + AFTER_TRAINING_EPOCHS)
        self._report_eta(step, now, done, epochs)

    def _report_eta(self, step: int, now: float, done: float, epochs: int) -> None:
        """Measured from this job's own pace, including validation, which PaddleX's own estimate omits."""
        if self._first is None:
            self._first = (now, done)
        elapsed, trained = now - self._first[0], done - self._first[1]
        if trained > 0:
            self.folder.metric(step, "train/eta", round(elapsed / trained * (epochs - done), 1))

    def _refuse_divergence(self, line: TrainLine | EvalLine) -> None:
        if not math.isfinite(line.values.get("loss", 0.0)):
            raise diverged(line.epoch, self.plan.learning_rate)

    def _on_eval(self, line: EvalLine) -> None:
        self._refuse_divergence(line)
        for name in self.task.validated:
            if math.isfinite(line.values.get(name, math.nan)):
                self.folder.metric(line.epoch, f"val/{name}", line.values[name])
        score = line.values.get(self.task.metric, 0.0)
        self.history.scores[line.epoch] = score if math.isfinite(score) else 0.0
        if "loss" in line.values:
            self.history.losses[line.epoch] = line.values["loss"]
        self.history.save(self.folder.scratch)
        if files := checkpoints.resumable(self.folder.scratch, self.history):
            self.folder.checkpoint(files)
        # This epoch's own checkpoint is about to be written, so the one before it must stay until then.
        checkpoints.prune(self.output, keep={line.epoch, line.epoch - 1, self.history.best_epoch})

    def _report_phase(self, name: str) -> None:
        if name != self._phase:
            self._phase = name
            self.folder.phase(name)


def identity_of(plan: Plan) -> dict:
    """Return what must match for another training to resume from a checkpoint of this one."""
    return {
        "task": plan.task,
        "recipe": plan.recipe["name"],
        "classes": plan.class_names,
        "input_size": list(plan.input_size),
        "augmentation": plan.augmentation,
        "epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "learning_rate": plan.learning_rate,
        "seed": plan.seed,
        "method": plan.method,
    }


def kill_tree(process: subprocess.Popen) -> None:
    """Kill a process and all its descendants: PaddleX starts the suite as a child of its own."""
    for pid in [*descendants(process.pid), process.pid] if process.poll() is None else []:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue
    process.wait()


def descendants(root: int) -> list[int]:
    """Return the process ids below ``root``, children before grandchildren, from /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # The name in brackets may contain spaces; the parent is the second field after it.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    found, layer = [], [root]
    while layer:
        layer = [pid for pid, parent in parents.items() if parent in layer]
        found += layer
    return found
