"""The run page, the form of a new run, and what its buttons do."""

import pytest
from django.urls import reverse

from portal.datasets.services import create_version
from portal.jobs.models import Job, Status
from portal.models.models import Evaluation
from portal.runs.models import Run
from portal.runs.plan import defaults
from portal.runs.report import report
from portal.tasks import Stage
from tests.factories import class_zip
from tests.graphs import chips_of, job_of
from tests.seed import everything


def text(client, name, *args):
    return " ".join(client.get(reverse(name, args=args)).content.decode().split())


def test_the_stepper_shows_a_figure_for_every_stage(alices, team, alice):
    page = text(alices, "run-detail", everything(team, alice)["done"].pk)
    for stage in ("data", "train", "onnx", "rknn", "board"):
        assert f'class="step step-succeeded" id="step-{stage}"' in page
    assert '1512 <span class="unit">images' in page
    assert page.count("99.03 %") >= 2, "top-1 of Paddle and of ONNX"
    assert "drop 0.33 points on 308 validation images" in page
    assert "Top-1 on 308 validation images; int8 on the same: 98.70 % · Virtual board" in page


def test_a_run_whose_int8_model_lost_much_says_so(alices, team, alice):
    run = everything(team, alice)["done"]
    assert "verdict-good" in text(alices, "run-detail", run.pk)
    for measured in Evaluation.objects.filter(stage=Stage.SIMULATOR):
        measured.parity = measured.parity | {"drop": 1 / 3}
        measured.save(update_fields=["parity"])
    said = "int8 for Rockchip RV1106 lost 33.33 points of Top-1 on 308 validation images; 3 are allowed."
    page = text(alices, "run-detail", run.pk)
    assert said in page and "verdict-warn" in page
    assert report(run)["verdict"]["sentence"].startswith(said)


def test_a_run_whose_data_is_being_checked_is_running_in_its_header(alices, seed, team, alice):
    run = seed.run(everything(team, alice)["checking"], "Leaves", Status.QUEUED)
    header = text(alices, "run-detail", run.pk).partition('class="facts run-facts"')[2].partition("</div>")[0]
    assert "status-running" in header and "status-queued" not in header


def test_a_failure_stands_right_under_the_stepper(alices, team, alice):
    page = text(alices, "run-detail", everything(team, alice)["failed"].pk)
    assert 'class="step step-failed" id="step-rknn"' in page
    after = page[page.index("</ol>") :]
    assert after.index("operator HardSwish is not supported") < after.index('id="curves"')


def test_several_chips_and_devices_have_a_line_each(alices, team, alice):
    page = text(alices, "run-detail", everything(team, alice)["failed"].pk)
    for name in ("RV1106", "RK3566", "RK3588", "Board by the window", "Virtual board"):
        assert name in page[page.index('id="step-rknn"') : page.index("</ol>")]


def test_a_virtual_board_says_so_with_its_engine(alices, team, alice):
    page = text(alices, "run-detail", everything(team, alice)["done"].pk)
    assert "virtual-badge" in page
    assert "rknn-toolkit2 int8 simulator" in page
    assert "its times are not a board's" in page.replace("&#x27;", "'")


def test_only_an_active_run_asks_again(alices, team, alice):
    rows = everything(team, alice)
    assert "hx-get" in text(alices, "run-detail", rows["running"].pk)
    assert "hx-get" not in text(alices, "run-detail", rows["done"].pk)


def test_a_poll_brings_the_rest_of_the_page_when_a_step_has_ended(alices, team, alice):
    run = everything(team, alice)["running"]
    url = reverse("run-live", args=[run.pk])
    first = alices.get(url, headers={"If-None-Match": 'W/"a.old"'})
    page = first.content.decode()
    assert 'hx-swap-oob="true"' in page and 'id="files-body"' in page
    known = {"If-None-Match": first["ETag"]}
    assert alices.get(url, headers=known).status_code == 304
    Job.objects.filter(pk=job_of(run).pk).update(phase="epoch 7/12")
    again = alices.get(url, headers=known).content.decode()
    assert "epoch 7/12" in again and "hx-swap-oob" not in again


def test_files_have_size_and_hash_and_the_report_downloads(alices, team, alice):
    run = everything(team, alice)["done"]
    page = text(alices, "run-detail", run.pk)
    for name in ("best_model.pdparams", "inference.pdiparams", "model.onnx", "model.rknn", "labels.txt"):
        assert f"files/{name}" in page
    answer = alices.get(reverse("run-report", args=[run.pk]))
    assert answer.json()["models"][0]["int8_top1"] == 0.987
    assert "report.json" in answer["Content-Disposition"]


def test_mistakes_and_changed_predictions_are_shown(alices, team, alice):
    page = text(alices, "run-detail", everything(team, alice)["done"].pk)
    assert "<td>scratch on the left edge</td><td>5</td>" in page
    assert "ONNX → int8 for Rockchip RV1106" in page and "1 of 308 images" in page


@pytest.fixture
def version(transactional_db, team, alice, run_jobs):
    version = create_version(team, alice, "Pets", class_zip())
    run_jobs()
    return version


def test_three_choices_and_one_button_start_a_run(alices, version):
    fields = {"dataset_version": version.pk, "preset": "fast", "chips": ["rv1106"]}
    answer = alices.post(reverse("run-new"), fields)
    run = Run.objects.get()
    assert answer["Location"] == reverse("run-detail", args=[run.pk])
    assert (run.preset, chips_of(run)) == ("fast", ["rv1106"])


def test_a_run_may_start_with_an_upload(alices, transactional_db):
    fields = {"upload": class_zip(), "upload_name": "Parts", "preset": "fast", "chips": ["rv1106"]}
    alices.post(reverse("run-new"), fields)
    run = Run.objects.get()
    assert str(run.dataset_version) == "Parts v1"
    assert Job.objects.get().kind == "ingest"


def test_a_refused_form_keeps_what_was_typed_and_starts_nothing(alices, version):
    fields = {"dataset_version": version.pk, "preset": "fast", "name": "My run", "epochs": "0"}
    answer = alices.post(reverse("run-new"), fields | {"upload": class_zip()})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="My run"' in page
    assert "Give at least 1." in page
    assert Run.objects.count() == 0 and Job.objects.count() == 1


def test_a_plans_sentence_stands_at_its_field(alices, version):
    fields = {"dataset_version": version.pk, "preset": "fast"}
    page = alices.post(reverse("run-new"), fields).content.decode()
    assert "Choose at least one chip or device." in page
    page = alices.post(reverse("run-new"), {"preset": "fast", "chips": ["rv1106"]}).content.decode()
    assert "Choose a dataset, or a zip file to upload." in page


def test_data_that_must_be_corrected_is_not_trained_on(alices, version):
    version.findings = [{"level": "error", "message": "A class is empty.", "count": 1, "examples": []}]
    version.save()
    fields = {"dataset_version": version.pk, "preset": "fast", "chips": ["rv1106"]}
    page = alices.post(reverse("run-new"), fields).content.decode()
    assert "A class is empty." in page
    assert Run.objects.count() == 0


def test_another_teams_data_and_devices_cannot_be_chosen(client, charlie, version, seed):
    board = seed.device()
    client.force_login(charlie)
    fields = {"dataset_version": version.pk, "preset": "fast", "devices": [board.pk]}
    assert client.post(reverse("run-new"), fields).status_code == 422
    assert Run.objects.count() == 0


def test_a_clone_brings_the_same_choices(alices, team, alice):
    run = everything(team, alice)["failed"]
    page = text(alices, "run-clone", run.pk)
    assert 'value="fast" checked' in page
    assert 'value="rk3588" checked' in page
    assert 'value="48"' in page, "what differs from the preset is filled in"
    assert "Clone a run" in page


def test_cancel_and_retry_do_what_they_say(alices, team, alice):
    rows = everything(team, alice)
    alices.post(reverse("run-cancel", args=[rows["running"].pk]))
    rows["running"].refresh_from_db()
    assert rows["running"].status == Status.CANCELLING
    alices.post(reverse("run-retry", args=[rows["failed"].pk]))
    rows["failed"].refresh_from_db()
    assert rows["failed"].is_active


def test_the_list_filters_by_status(alices, team, alice):
    everything(team, alice)
    page = alices.get(reverse("run-list"), {"status": "failed"}).content.decode()
    assert "Digits for three chips" in page and "Digits, at work" not in page


def test_one_may_start_otherwise_than_the_preset_and_a_clone_does_too(alices, version):
    usual = defaults("fast")["pretrained"]
    other = "no" if usual else "yes"
    fields = {"dataset_version": version.pk, "preset": "fast", "chips": ["rv1106"], "pretrained": other}
    alices.post(reverse("run-new"), fields)
    run = Run.objects.get()
    assert run.params["pretrained"] is not usual
    assert f'<option value="{other}" selected>' in text(alices, "run-clone", run.pk)


def test_a_run_that_failed_without_a_failed_step_says_why(alices, seed):
    run = seed.run(seed.version(), status=Status.FAILED, message="The dataset must be mended first.")
    seed.train(run)
    assert "The dataset must be mended first." in text(alices, "run-detail", run.pk)


def test_a_long_list_of_versions_is_cut_but_keeps_the_chosen_one(alices, seed, monkeypatch):
    monkeypatch.setattr("portal.runs.forms.VERSIONS_SHOWN", 2)
    versions = [seed.version(f"Set {n}") for n in range(4)]
    page = text(alices, "run-new")
    assert "Set 3 v1 (" in page and "Set 1 v1 (" not in page and "an older one is started from its" in page
    run = seed.run(versions[0])
    seed.train(run)
    assert f'<option value="{versions[0].pk}" selected>' in text(alices, "run-clone", run.pk)
    fields = {"dataset_version": versions[1].pk, "preset": "fast", "chips": ["rv1106"]}
    assert alices.post(reverse("run-new"), fields).status_code == 302
