"""The plan of a training, read from the spec and validated against the dataset. Standard library only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers.contract import InputError
from workers.contract.messages import msg, msg_n
from workers.contract.tasks import task_of
from workers.train.parameters import METHODS, Plan
from workers.train.tasks import TASKS
from workers.train.tasks.base import Task

# A batch size with fewer steps per epoch than this makes warm-up and momentum meaningless.
MIN_STEPS_PER_EPOCH = 4


def read_plan(spec: dict[str, Any]) -> Plan:
    """Return the plan of a train spec; raise InputError with what to change if it cannot be trained."""
    task = task_of(spec, TASKS)
    inputs, params = spec["inputs"], spec["params"]
    dataset = Path(inputs["dataset"])
    class_names = [str(name) for name in params["class_names"]]
    _check_count(class_names, params["num_classes"])
    task.check_classes(class_names)
    contents = task.read_contents(dataset, class_names)
    notices = [params["pretrained_notice"]] if params.get("pretrained_notice") else []
    batch_size, learning_rate = _fit_batch(
        contents.train_images, int(params["batch_size"]), float(params["learning_rate"]), notices
    )
    pretrained, teacher = (_weights(inputs.get(name)) for name in ("pretrained", "teacher"))
    return Plan(
        task=task.name,
        dataset=dataset,
        recipe=params["recipe"],
        class_names=class_names,
        input_size=_input_size(params["input_size"], params["recipe"]),
        epochs=_at_least_one("epochs", params["epochs"]),
        batch_size=batch_size,
        learning_rate=learning_rate,
        augmentation=params["augmentation"],
        seed=int(params.get("seed") or 0),
        device=params.get("device") or "cpu",
        train_images=contents.train_images,
        val_images=contents.val_images,
        pretrained=pretrained,
        teacher=teacher,
        unlabelled=Path(inputs["unlabelled"]) if inputs.get("unlabelled") else None,
        resume=Path(inputs["resume"]) if inputs.get("resume") else None,
        checkouts={name: Path(folder) for name, folder in (params.get("checkouts") or {}).items()},
        notices=notices + contents.notices,
        method=_method(params.get("method"), task, params.get("checkouts") or {}),
    )


def _method(given: dict[str, Any] | None, task: Task, checkouts: dict) -> dict[str, Any] | None:
    if not given:
        return None
    suite = task.suite
    if given["name"] not in METHODS:
        raise InputError(
            msg(
                "There is no training method {name}: choose one of {names}.",
                name=repr(given["name"]),
                names=", ".join(METHODS),
            )
        )
    if given["name"] not in task.methods:
        raise InputError(
            msg(
                "The method {name} cannot make models for {task}: train a smaller recipe instead.",
                name=given["name"],
                task=task.name,
            )
        )
    if suite.has_launchers and checkouts.get(suite.name):
        raise InputError(
            msg(
                "The training worker uses a checkout of {name}, which trains plainly only: leave {setting} "
                "empty there.",
                name=suite.name,
                setting=suite.setting,
            )
        )
    return given


def _check_count(class_names: list[str], num_classes: int) -> None:
    if len(class_names) != num_classes:
        raise InputError(
            msg(
                "{asked} classes were asked for and {named} are named: give each one name.",
                asked=num_classes,
                named=len(class_names),
            )
        )


def _input_size(size: list[int], recipe: dict[str, Any]) -> tuple[int, int]:
    """Return (width, height); a recipe allows only sizes tested with the chips' compiler."""
    allowed = [tuple(pair) for pair in recipe["input_sizes"]]
    if tuple(size) not in allowed:
        choices = ", ".join(f"{width}x{height}" for width, height in allowed)
        raise InputError(
            msg(
                "{title} cannot be trained at {size}: choose one of {choices}.",
                title=recipe["title"],
                size="x".join(map(str, size)),
                choices=choices,
            )
        )
    return int(size[0]), int(size[1])


def _at_least_one(name: str, value: Any) -> int:
    if int(value) < 1:
        raise InputError(msg("The number of {name} is {number}: give 1 or more.", name=name, number=value))
    return int(value)


def _weights(path: str | None) -> Path | None:
    if not path:
        return None
    if not Path(path).is_file():
        raise InputError(
            msg("The pretrained weights are not there any more: start the run again without them.")
        )
    return Path(path)


def _fit_batch(images: int, batch_size: int, rate: float, notices: list[str]) -> tuple[int, float]:
    """Reduce the batch size for a small dataset, and the learning rate in proportion; add a notice.

    The suite drops an incomplete last batch, so a batch larger than the dataset would train nothing.
    """
    _at_least_one(msg("images in a batch"), batch_size)
    if rate <= 0:
        raise InputError(msg("The learning rate is {rate}: give a number above 0.", rate=rate))
    if images < 2:
        raise InputError(msg("The training part holds one image: add more images of every class."))
    largest = max(2, images // MIN_STEPS_PER_EPOCH)
    if batch_size <= largest:
        return batch_size, rate
    scaled = rate * largest / batch_size
    notices.append(
        msg_n(
            "The data set has only {count} training image: batches hold {largest} of them "
            "instead of {batch_size}, and the learning rate is {scaled} instead of {rate}.",
            "The data set has only {count} training images: batches hold {largest} of them "
            "instead of {batch_size}, and the learning rate is {scaled} instead of {rate}.",
            images,
            largest=largest,
            batch_size=batch_size,
            scaled=f"{scaled:g}",
            rate=f"{rate:g}",
        )
    )
    return largest, scaled
