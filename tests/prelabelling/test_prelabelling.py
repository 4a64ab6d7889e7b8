"""A model of the team proposes labels for the images of a draft, in a job."""

from array import array

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.datasets import drafts, indexes, proposals
from portal.datasets.draft_models import Draft
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from portal.jobs import services as jobs
from portal.jobs.models import Status
from portal.models.models import Model, Prelabelling
from portal.prelabelling import services
from tests.datasets.index_builders import boxed, ready_version
from tests.prelabelling.models import trained_model


def photographs(pack, images=4):
    for number in range(images):
        pack.add((30, 40 * number, 90), (64, 48), boxes=array("d"), original=f"photos/{number}.png")


@pytest.fixture
def street(team, alice):
    return ready_version(
        team, alice, "Street", fill=photographs, class_names=["Cat", "car"], task="detection"
    )


@pytest.fixture
def model(team, alice, transactional_db):
    """A detector of cats, dogs and birds."""
    return trained_model(ready_version(team, alice, "Pets", fill=boxed, task="detection"))


CLASSES = {"dog": None, "Bird": 1}


def start(user, version, model, classes=CLASSES, least_score=0.2):
    return services.start(user, version, model, classes, least_score)


def waiting(draft):
    with indexes.opened(draft.base) as index:
        return proposals.waiting(draft, index)


def test_boxes_are_proposed_with_the_classes_of_the_dataset(street, model, alice, run_jobs):
    made = start(alice, street, model, {"dog": 1, "Bird": None})
    run_jobs()
    made.refresh_from_db()
    assert (made.job.status, made.images, made.proposed) == (Status.SUCCEEDED, 4, 3)
    assert waiting(made.draft) == [1, 2, 4]
    first = made.draft.proposals.first()
    assert first.label == [[0, 1, 2, 32, 24], [1, 32, 24, 4, 4]]
    assert (first.by, first.model, first.score) == (model.name, model.pk, 0.3)


def test_faint_boxes_and_classes_left_out_are_not_proposed(street, model, alice, run_jobs):
    made = start(alice, street, model, {"dog": 1, "Bird": None}, least_score=0.5)
    run_jobs()
    assert made.draft.proposals.first().label == [[0, 1, 2, 32, 24]]
    again = start(alice, street, model, CLASSES)
    run_jobs()
    assert again.draft == made.draft and again.draft.proposals.first().label == [[0, 1, 2, 32, 24]]


def test_images_that_a_person_labelled_are_left_alone(street, model, alice, run_jobs):
    drafts.add(alice, street, "boxes", {"image": 1, "boxes": [[1, 1, 1, 9, 9]]})
    drafts.add(alice, street, "boxes", {"image": 2, "boxes": []})
    made = start(alice, street, model)
    drafts.add(alice, street, "boxes", {"image": 3, "boxes": []})
    run_jobs()
    made.refresh_from_db()
    assert made.images == 1 and made.proposed == 1 and waiting(made.draft) == [4]


def test_labels_of_whole_images_are_proposed_alike():
    task = Model(task="classification").task_class
    row = {"image": "a.png", "label": None, "predicted": 1, "score": 0.7}
    assert task.proposed(row, [None, 3], 0.5) == (3, 0.7)
    assert task.proposed(row, [3, None], 0.5) is None
    assert task.proposed(row, [None, 3], 0.8) is None


def test_the_version_is_traced_to_the_model(street, model, alice, run_jobs):
    start(alice, street, model)
    run_jobs()
    proposals.accept(alice, street, {"filter": {}})
    drafts.commit(Draft.objects.get())
    run_jobs()
    made = DatasetVersion.objects.get(parent=street)
    assert Prelabelling.objects.get(draft__version=made).model == model


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ({}, "The dataset has no class dog, Bird: say which"),
        ({"dog": 9, "Bird": None}, "Choose one of the classes"),
        ({"dog": None, "Bird": None, "cow": 1}, "The model has no class cow"),
        ({"cat": None, "dog": None, "Bird": None}, "Every class of the model is left out"),
    ],
)
def test_classes_that_are_unclear_are_asked_for(street, model, alice, classes, sentence):
    with pytest.raises(ChangeRefused, match=sentence):
        start(alice, street, model, classes)
    assert not Draft.objects.exists()


def test_a_model_of_another_task_is_refused(team, model, alice):
    plain = ready_version(team, alice, "Plain")
    with pytest.raises(ChangeRefused, match="This model is for detection and the dataset for classification"):
        start(alice, plain, model)


def test_a_dataset_with_a_label_on_every_image_has_nothing_to_propose(team, model, alice):
    with pytest.raises(ChangeRefused, match="Every image has a label already"):
        start(alice, ready_version(team, alice, "Done", fill=boxed, task="detection"), model, {})


def test_two_at_once_are_refused(street, model, alice):
    start(alice, street, model)
    with pytest.raises(ChangeRefused, match="being proposed for these images already"):
        start(alice, street, model)


def test_a_draft_that_was_committed_meanwhile_fails_the_job_with_a_sentence(street, model, alice, run_jobs):
    drafts.add(alice, street, "boxes", {"image": 1, "boxes": [[1, 1, 1, 9, 9]]})
    made = start(alice, street, model)
    drafts.commit(made.draft)
    run_jobs()
    made.job.refresh_from_db()
    assert made.job.status == Status.FAILED and "committed or discarded meanwhile" in made.job.message
    assert not made.draft.proposals.exists()


def test_a_deleted_model_fails_the_job_with_a_sentence(street, model, alice, run_jobs):
    made = start(alice, street, model)
    Model.objects.filter(pk=model.pk).update(deleted_at=made.created_at)
    run_jobs()
    made.job.refresh_from_db()
    assert made.job.status == Status.FAILED and "was deleted: choose another one" in made.job.message
    with pytest.raises(ChangeRefused, match="This model is not there"):
        start(alice, street, Model.objects.get(pk=model.pk))


def test_a_cancelled_job_leaves_no_proposals_and_can_be_retried(street, model, alice, run_jobs):
    made = start(alice, street, model)
    jobs.cancel(made.job, "alice")
    run_jobs()
    assert not made.draft.proposals.exists()
    made.job.refresh_from_db()
    jobs.retry(made.job, alice)
    run_jobs()
    assert waiting(made.draft) == [1, 2, 4]


def test_the_page_asks_for_a_model_then_for_its_classes(street, model, client, alice):
    client.force_login(alice)
    page = reverse("dataset-prelabel", args=[street.pk])
    assert model.name in client.get(page).content.decode()
    asked = client.get(page, {"model": model.pk}).content.decode()
    assert 'name="class_0"' in asked and 'name="class_1"' in asked and "4 images have no label." in asked
    address = f"{page}?model={model.pk}"
    refused = client.post(address, {"score": "0.4", "class_0": "skip"})
    assert refused.status_code == 422 and "This field is required" in refused.content.decode()
    answer = client.post(address, {"score": "0.4", "class_0": "skip", "class_1": "1"})
    made = Prelabelling.objects.get()
    assert answer.url == reverse("job-detail", args=[made.job_id]) and made.classes == [0, None, 1]
    again = client.post(address, {"score": "0.4", "class_0": "skip", "class_1": "1"})
    assert "already: wait for job" in again.content.decode()


def test_others_neither_use_the_model_nor_the_version(street, model, client, charlie):
    client.force_login(charlie)
    assert client.get(reverse("dataset-prelabel", args=[street.pk])).status_code == 404
    api = APIClient()
    api.force_authenticate(charlie)
    body = {"dataset_version": street.pk, "model": model.pk}
    answer = api.post("/api/v1/prelabellings/", body, format="json")
    assert answer.status_code == 400 and set(answer.json()["errors"]) == {"dataset_version", "model"}


def test_programs_ask_for_proposals(street, model, alice, run_jobs):
    api = APIClient()
    api.force_authenticate(alice)
    body = {"dataset_version": street.pk, "model": model.pk}
    unclear = api.post("/api/v1/prelabellings/", body, format="json")
    assert unclear.status_code == 400 and "no class dog, Bird" in unclear.json()["errors"]["classes"][0]
    made = api.post("/api/v1/prelabellings/", body | {"classes": CLASSES}, format="json")
    assert made.status_code == 201 and made.json()["least_score"] == 0.4 and made.json()["images"] is None
    run_jobs()
    told = api.get(f"/api/v1/prelabellings/{made.json()['id']}/").json()
    assert (told["images"], told["proposed"]) == (4, 3)
    assert api.get(f"/api/v1/drafts/{told['draft']}/proposals/").json()["count"] == 3
