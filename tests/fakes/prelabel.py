"""Speaks the contract of ``workers.convert.prelabel`` in a moment. Its predictions mean nothing."""

import json
import sys

from tests.fakes import tasks
from workers import contract


def main(folder, spec):
    images = spec["params"]["images"]
    rows = [tasks.of(spec).proposal(number, *image) for number, image in enumerate(images)]
    (folder.artifacts / "proposals.json").write_text(json.dumps(rows))
    return {"images": len(rows)}


if __name__ == "__main__":
    sys.exit(contract.run(main))
