"""Proposed labels and crops by the command line."""

from array import array

import pytest

from portal.datasets import drafts, indexes
from portal.datasets.models import DatasetVersion
from tests.datasets.index_builders import boxed, ready_version
from tests.prelabelling.models import trained_model


@pytest.fixture
def street(team, alice, transactional_db):
    def fill(pack):
        for number in range(6):
            pack.add((30, 40 * number, 90), (64, 48), boxes=array("d"), original=f"photos/{number}.png")

    return ready_version(team, alice, "Street", fill=fill, class_names=["car"], task="detection")


@pytest.fixture
def model(team, alice, transactional_db):
    return trained_model(
        ready_version(team, alice, "Pets", fill=boxed, class_names=["car", "tram"], task="detection")
    )


def test_a_model_proposes_labels_and_all_are_accepted(slipway, portal, street, model, alice):
    words = ("dataset", "prelabel", "Street", "--model", model.pk)
    unclear = slipway(*words)
    assert unclear.code != 0 and "no class tram" in unclear.err
    assert "is no pair of classes" in slipway(*words, "--class", "tram").err
    assert "The dataset has no class 'bus'" in slipway(*words, "--class", "tram=bus").err
    done = slipway(*words, "--class", "tram=-", "--accept")
    assert done.code == 0 and "Labels accepted for 4 of 6 images." in done.out, done.err
    draft = drafts.open_draft(alice, street.dataset)
    with indexes.opened(street) as index:
        assert drafts.plan_of(draft, index).now(index.image(1)).accepted.by == "Digits v3"


def test_boxes_become_a_dataset(slipway, portal, team, alice):
    ready_version(team, alice, "Street", fill=boxed, class_names=["car", "tram"], task="detection")
    done = slipway("dataset", "crops", "Street", "--name", "Parts", "--least-side", 4)
    assert done.code == 0 and "Parts v1: ready" in done.out, done.err
    assert DatasetVersion.objects.get(dataset__name="Parts").images == 12
