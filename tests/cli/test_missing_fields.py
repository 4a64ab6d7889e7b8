"""A portal of an older release lacks fields: the client leaves them empty, or says that it cannot go on."""

import json

import pytest
from slipway import Client
from slipway.cli.app import App
from slipway.cli.commands import devices, jobs, runs
from slipway.cli.screen import Screen
from slipway.documents import DisplayedDocument, Document
from slipway.errors import MissingField

from portal.runs.models import Baseline
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(signed_in, team, alice):
    """A run that was compared with a deployed model."""
    seeder = Seeder(team, alice)
    made = seeder.run(seeder.version("Pets"))
    seeder.train(made)
    seeder.convert(made)
    seeder.device()
    Baseline.objects.create(run=made, chip="rv1106", problem="It is gone.")
    return made


class Recorded(Client):
    """A client that asks the portal once, and then repeats its responses without the fields of one name."""

    left_out = ""

    def __init__(self):
        super().__init__()
        self.kept: dict[str, str] = {}

    def get(self, path, **params):
        key = f"{path} {params}"
        if key not in self.kept:
            self.kept[key] = json.dumps(super().get(path, **params))
        return json.loads(self.kept[key], object_hook=self.without)

    def without(self, row):
        return DisplayedDocument({name: value for name, value in row.items() if name != self.left_out})

    def names(self):
        found = set()
        for text in self.kept.values():
            json.loads(text, object_hook=found.update)
        return sorted(found)


def test_no_command_breaks_at_a_field_that_an_older_portal_lacks(run, capsys):
    app = App(Screen())
    app.client = recorded = Recorded()

    def display():
        runs.show(app, str(run.pk))
        runs.parity(app, str(run.pk))
        jobs.jobs(app, None, None, 20)
        devices.list_(app, 20, None, None)

    display()
    refused = []
    for recorded.left_out in recorded.names():  # noqa: B020
        try:
            display()
        except MissingField:
            refused.append(recorded.left_out)
    assert "id" in refused and len(refused) < len(recorded.names()) / 5, refused


def test_a_run_that_was_compared_with_a_deployed_model_is_shown(run, slipway):
    answer = slipway("show", run.pk)
    assert answer.code == 0, answer.err
    assert "It is gone." in answer.out


def test_a_limit_is_not_met_because_an_older_portal_does_not_judge_it(run):
    app = App(Screen())
    app.client = Recorded()
    app.client.left_out = "quality"
    with pytest.raises(MissingField, match="no field 'quality'"):
        runs.parity(app, str(run.pk), fail_under=0.5)


def test_scripts_get_one_error_that_is_a_key_error_too():
    sentence = "^The portal's response has no field 'quality': .*older one.$"
    with pytest.raises(MissingField, match=sentence) as caught:
        Document()["quality"]
    assert isinstance(caught.value, KeyError) and caught.value.exit_code == 5


def test_a_missing_field_is_empty_and_has_no_value():
    missing = DisplayedDocument()["job"]
    assert not missing and not list(missing["steps"]) and missing.get("id", 3) == 3 and {**missing} == {}
    for use in (str, int, lambda value: f"{value}", lambda value: value == "done", lambda value: value + 1,
                lambda value: value.strip(), lambda value: {}[value]):  # fmt: skip
        with pytest.raises(MissingField):
            use(missing["status"])
