"""The parser of PaddleClas's log, on lines captured from real trainings, and what becomes of them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from workers.contract import InputError, JobFolder
from workers.train.plan import read_plan
from workers.train.progress import EvalLine, MarkLine, TrainLine, parse_line
from workers.train.training import Training

LOGS = Path(__file__).parent / "logs"


@pytest.mark.parametrize("log", sorted(LOGS.glob("ppcls*.log")), ids=lambda path: path.stem)
def test_it_reads_every_iteration_and_the_validation_of_a_captured_epoch(log):
    said = [parse_line(line) for line in log.read_text(encoding="utf-8").splitlines()]
    trained = [line for line in said if isinstance(line, TrainLine)]
    assert trained[0].epoch == 1 and trained[0].step == 1
    assert trained[-1].step in (trained[-1].steps, trained[-1].steps - 1)
    assert all({"lr", "top1", "loss", "ips"} <= line.values.keys() for line in trained)
    (validated,) = [line for line in said if isinstance(line, EvalLine)]
    assert validated.epoch == 1
    assert validated.values.keys() >= {"top1", "loss"}


def test_it_reads_the_numbers_of_an_iteration():
    line = (
        "[2026/11/24 03:32:20] ppcls INFO: [Train][Epoch 3/15][Iter: 5/23]lr(CosineAnnealingDecay): "
        "0.00640000, top1: 0.19500, CELoss: 2.27000, loss: 2.27000, batch_cost: 0.36000s, "
        "reader_cost: 0.01000, ips: 176.90000 samples/s, eta: 0:00:33"
    )
    said = parse_line(line)
    assert (said.epoch, said.step, said.steps) == (3, 6, 23)
    assert said.values["lr"] == 0.0064
    assert said.values["top1"] == 0.195
    assert said.values["loss"] == 2.27
    assert said.values["ips"] == 176.9


def test_it_reads_the_averages_of_a_validation():
    assert parse_line("ppcls INFO: [Eval][Epoch 3][Avg]CELoss: 2.17, loss: 2.17, top1: 0.222") == EvalLine(
        3, {"CELoss": 2.17, "loss": 2.17, "top1": 0.222}
    )


def test_it_reads_a_loss_that_is_not_a_number():
    said = parse_line(
        "[Train][Epoch 1/2][Iter: 0/4]lr(Cosine): 0.1, top1: 0.5, CELoss: nan, loss: nan, ips: 9 s"
    )
    assert math.isnan(said.values["loss"])


def test_it_does_not_take_a_batch_of_a_validation_for_its_average():
    assert (
        parse_line("[Eval][Epoch 1][Iter: 0/6]CELoss: 57.6, loss: 57.6, top1: 0.1, ips: 300 images/sec")
        is None
    )


def test_it_reads_what_the_engine_process_says():
    assert parse_line("@@slipway@@ trained\n") == MarkLine("trained")


@pytest.mark.parametrize("line", ["", "[Train] something else", "Traceback (most recent call last):"])
def test_it_says_nothing_about_any_other_line(line):
    assert parse_line(line) is None


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(
    "line",
    [
        "[2022/11/28] ppcls INFO: [Train][Epoch 2/4][Iter: 3/9]lr(LinearWarmup): 0.1, CELoss: 1.0, loss: {}",
        "[2022/11/28] ppcls INFO: [Eval][Epoch 2][Avg]CELoss: 1.0, loss: {}, top1: 0.5",
    ],
)
def test_a_loss_that_is_no_number_stops_the_training_as_diverged(tmp_path, spec, line, value):
    training = Training(JobFolder(tmp_path), read_plan(spec))
    said = parse_line(line.format(value))
    with pytest.raises(InputError, match=r"diverged.*epoch 2"):
        training.on_line(said)
    assert training.history.scores == {}
