"""Where the network is cut."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workers.contract import ToolchainError
from workers.train.tasks.classification import find_cut_tensor


def graph(*nodes):
    return SimpleNamespace(node=[SimpleNamespace(op_type=kind, input=[source]) for kind, source in nodes])


def test_it_cuts_at_what_feeds_the_last_softmax():
    assert (
        find_cut_tensor(graph(("Softmax", "attention"), ("Gemm", "features"), ("Softmax", "logits")))
        == "logits"
    )


def test_a_node_after_the_softmax_does_not_matter():
    assert find_cut_tensor(graph(("Gemm", "features"), ("Softmax", "logits"), ("Identity", "p"))) == "logits"


def test_it_refuses_a_network_without_softmax():
    with pytest.raises(ToolchainError, match="no Softmax"):
        find_cut_tensor(graph(("Gemm", "features")))
