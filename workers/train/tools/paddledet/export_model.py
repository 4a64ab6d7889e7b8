"""Export a detector with the suite in the working directory, without what no NPU runs.

Eight outputs: for each of the four levels, from stride 8 to 64, ``[n, classes, height, width]`` scores from
0 to 1 and ``[n, 4 * bins, height, width]`` distributions of the four distances. Boxes are made of them by
``workers/datakit/decoding/picodet.py``. The suite's own export takes the square root of the scores and
suppresses boxes inside the network.
"""

import os

import adapt


def main() -> None:
    adapt.prepare()
    config, arguments = adapt.read_arguments()

    import paddle
    from paddle import nn
    from ppdet.core.workspace import create
    from ppdet.utils.checkpoint import load_weight

    class Outputs(nn.Layer):
        """What the board reads, of an image of any batch."""

        def __init__(self, detector):
            super().__init__()
            self.detector = detector

        def forward(self, x):
            detector, outputs = self.detector, []
            head = detector.head
            for level, features in enumerate(detector.neck(detector.backbone({"image": x}))):
                classified, attended = head.conv_feat(features, level)
                alignment = nn.functional.sigmoid(head.cls_align[level](classified))
                outputs.append(nn.functional.sigmoid(head.head_cls_list[level](attended)) * alignment)
                outputs.append(head.head_reg_list[level](attended))
            return outputs

    class Doubled(nn.Layer):
        """The neck's upsampling, by size: a scale is written as float64, at which paddle2onnx stops."""

        def forward(self, x):
            return nn.functional.interpolate(x, size=[2 * side for side in x.shape[2:]], mode="nearest")

    detector = create(config["architecture"])
    load_weight(detector, config["weights"])
    detector.neck.upsample = Doubled()
    network = Outputs(detector)
    network.eval()
    shape = [None, *config["TestReader"]["inputs_def"]["image_shape"]]
    paddle.jit.save(
        network,
        os.path.join(arguments.output_dir, "inference"),
        input_spec=[paddle.static.InputSpec(shape, "float32", name="x")],
    )


if __name__ == "__main__":
    main()
