"""Checkpoints in the format of ``workers/train/checkpoints.py``: ``epoch_<n>`` with three suffixes.

ppdet names its own after its configuration file, and writes the last and the best one twice.
"""

from __future__ import annotations

import os

import paddle
from ppdet.engine.callbacks import Callback


class Checkpointer(Callback):
    """Saves each epoch: the averaged weights, which are evaluated, the optimiser, then the trained
    weights.
    """

    def on_epoch_end(self, status):
        if status["mode"] != "train" or paddle.distributed.get_rank() != 0:
            return
        trainer, epoch = self.model, status["epoch_id"] + 1
        os.makedirs(trainer.cfg.save_dir, exist_ok=True)
        stem = os.path.join(trainer.cfg.save_dir, f"epoch_{epoch}")
        # While a checkpoint is made, the network holds the averages, and status the trained weights.
        paddle.save(trainer.model.state_dict(), stem + ".pdparams")
        paddle.save(trainer.optimizer.state_dict(), stem + ".pdopt")
        # Copies: two names of one tensor would be one array in the file, which counts as hostile.
        trained = {name: value.numpy() for name, value in status["weight"].items()}
        states = {"epoch": epoch, "steps": trainer.ema.step, "trained": trained}
        paddle.save(states, stem + ".pdstates")


def resume(trainer, stem: str) -> None:
    """Let a trainer continue after the epoch of a checkpoint."""
    states = paddle.load(stem + ".pdstates")
    trainer.model.set_state_dict(states["trained"])
    trainer.optimizer.set_state_dict(paddle.load(stem + ".pdopt"))
    trainer.ema.resume(paddle.load(stem + ".pdparams"), states["steps"])
    trainer.start_epoch = states["epoch"]


class Reporter(Callback):
    """Prints the figures of an evaluation in one line, for ``workers/train/paddledet_log.py``."""

    def on_epoch_end(self, status):
        if status["mode"] != "eval" or paddle.distributed.get_rank() != 0:
            return
        # Without any box there are no figures.
        figures = self.model._metrics[0].get_results().get("bbox", [0.0, 0.0])
        epoch = status["epoch_id"] + 1
        print(f"[Eval][Epoch {epoch}] map: {figures[0]:.6f}, ap50: {figures[1]:.6f}", flush=True)
