"""The start page and the pages for errors."""

from django.urls import reverse

from tests.graphs import job_of
from tests.seed import Seeder, everything


def page(client, name="home", *args):
    return client.get(reverse(name, args=args)).content.decode()


def test_an_empty_portal_teaches_the_first_step(alices):
    text = page(alices)
    assert "No dataset yet" in text
    assert "Use 1,797 handwritten digits" in text


def test_the_next_step_after_data_is_a_run_and_after_a_run_a_board(alices, team, alice):
    version = Seeder(team, alice).version()
    assert "Next: train a model" in page(alices)
    run = Seeder(team, alice).run(version)
    Seeder(team, alice).train(run)
    assert "Next: register a board" in page(alices)


def test_it_shows_what_runs_what_failed_and_the_boards(alices, team, alice):
    everything(team, alice)
    text = page(alices)
    for words in ("Digits, at work", "It broke.", "Board in the hall", "did not answer within 10 seconds"):
        assert words in text
    assert "add at least one more" in text, "a refused upload is told"


def test_a_run_at_work_shows_its_step_and_how_far_it_is(alices, team, alice):
    running = everything(team, alice)["running"]
    job = job_of(running)
    job.phase, job.done, job.total = "epoch 3/12", 3, 12
    job.save(update_fields=["phase", "done", "total"])
    text = " ".join(page(alices).split())
    assert "Train: epoch 3/12" in text
    assert "25 %" in text


def test_boards_with_a_problem_come_first_and_the_well_ones_are_counted(alices, team, alice):
    everything(team, alice)
    text = page(alices)
    assert "2 of 3 online" in text
    assert text.index("Board in the hall") < text.index("Board by the window")


def test_first_steps_stay_until_all_are_done(alices, team, alice):
    assert "Next: upload a dataset" in page(alices)
    seed = Seeder(team, alice)
    seed.train(seed.run(seed.version()))
    assert "A dataset is ready" in page(alices)
    everything(team, alice)
    assert "first-steps" not in page(alices)


def test_it_asks_the_database_as_often_for_many_as_for_one(
    alices, team, alice, django_assert_max_num_queries, django_assert_num_queries
):
    everything(team, alice)
    page(alices)
    with django_assert_max_num_queries(40) as few:
        page(alices)
    seed = Seeder(team, alice)
    for _ in range(4):
        run = seed.run(seed.version(), status="running")
        seed.train(run, status="running")
    with django_assert_num_queries(len(few)):
        page(alices)


def test_an_idle_start_page_does_not_ask_again(alices, team, alice):
    seed = Seeder(team, alice)
    seed.train(seed.run(seed.version()))
    assert "hx-get" not in page(alices)
    running = seed.run(seed.version(), status="running")
    seed.train(running, status="running")
    assert "hx-get" in page(alices)


def test_empty_lists_teach(alices):
    for name in ("dataset-list", "run-list", "model-list", "device-list"):
        assert 'class="empty"' in page(alices, name), name


def test_a_wrong_address_gets_our_page(alices):
    answer = alices.get("/nothing/here/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_a_defect_gets_a_page_that_needs_no_database(alices, monkeypatch):
    def broken(request):
        raise RuntimeError("broken")

    monkeypatch.setattr("portal.home.dashboard.first_steps", broken)
    alices.raise_request_exception = False
    answer = alices.get(reverse("home"))
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()


def test_a_form_without_its_token_is_not_taken(alice):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    answer = strict.post(reverse("dataset-digits"))
    assert answer.status_code == 403
    assert "This form is no longer valid" in answer.content.decode()
