"""``python -m tests.workers.train.two_decoders JOB``, in the training environment.

Prints ``[PaddleX's boxes, ours]`` of a few random images by the same random weights of the detector that
the job's specification names: ``[class, score, left, top, right, bottom]``, the surest first. PaddleX's are
those of its own decoding and non-maximum suppression, clipped; ours have the root of their score, as it has.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

import numpy
import paddle  # noqa: TID251  (this runs in the training environment)

from workers.datakit.decoding import detector
from workers.train.plan import read_plan
from workers.train.program import redirect_caches
from workers.train.tasks import TASKS
from workers.train.yaml_files import write_yaml

IMAGES, IMAGE_SIZE = 3, (300, 140)  # width, height: neither that of the network
SPREAD = 0.5


def main() -> None:
    job = Path(sys.argv[1]).resolve()
    plan = read_plan(json.loads((job / "spec.json").read_text(encoding="utf-8")))
    task, scratch = TASKS[plan.task], job / "scratch"
    redirect_caches(scratch)
    suite = task.suite.link(scratch, plan) / task.suite.name
    write_yaml(scratch / "suite.yaml", task.suite_configuration(plan, scratch))
    os.chdir(suite)
    sys.path.insert(0, "tools")
    sys.argv[1:] = ["-c", str(scratch / "suite.yaml")]
    print(json.dumps(boxes(plan.input_size)))


def boxes(input_size: tuple[int, int]) -> list[list[list[list[float]]]]:
    import adapt
    from export_model import outputs_of

    adapt.prepare()
    config, _ = adapt.read_arguments()
    from ppdet.core.workspace import create

    paddle.seed(1)
    detector = create(config["architecture"])
    images = numpy.random.default_rng(0).normal(size=(IMAGES, 1, 3, *input_size[::-1])).astype("float32")
    spread(detector, paddle.to_tensor(images[:, 0]))
    with paddle.no_grad():
        theirs = [their_boxes(detector, image, input_size) for image in images]
        network = outputs_of(detector)
        ours = [our_boxes(network, image, input_size) for image in images]
    return [list(pair) for pair in zip(theirs, ours, strict=True)]


def spread(detector, images) -> None:
    """Let scores and distances differ from place to place: as a network is made, they are nearly the same."""
    for layer in (*detector.head.head_cls_list, *detector.head.head_reg_list):
        layer.weight.set_value(paddle.randn(layer.weight.shape) * SPREAD)
    for layer in detector.sublayers():
        if isinstance(layer, paddle.nn.BatchNorm2D):
            layer._momentum = 0.0  # its statistics are those of the images that it sees next
    detector.train()
    detector.head(detector.neck(detector.backbone({"image": images})))
    detector.eval()


def their_boxes(detector, image, input_size: tuple[int, int]) -> list[list[float]]:
    width, height = IMAGE_SIZE
    scale = paddle.to_tensor([[input_size[1] / height, input_size[0] / width]], "float32")
    found = detector({"image": paddle.to_tensor(image), "scale_factor": scale})["bbox"].numpy()
    found[:, 2:] = found[:, 2:].clip(0, [width, height] * 2)
    return found.tolist()


def our_boxes(network, image, input_size: tuple[int, int]) -> list[list[float]]:
    outputs = [output.numpy()[0] for output in network(paddle.to_tensor(image))]
    found = []
    for box in detector.decode(outputs, input_size, IMAGE_SIZE):
        left, top, width, height = box["box"]
        found.append([box["label"], math.sqrt(box["score"]), left, top, left + width, top + height])
    return found


if __name__ == "__main__":
    main()
