"""Export a detector with the suite in the working directory, without the operators that no NPU runs.

Eight outputs: for each of the four levels, from stride 8 to 64, ``[n, classes, height, width]`` scores from 0
to 1 and ``[n, 4 * bins, height, width]`` distributions of the four distances.
``workers/datakit/decoding/detector.py`` decodes them to boxes. The suite's own export takes the square root
of the scores and suppresses boxes inside the network.
"""

import os

import adapt


def main() -> None:
    adapt.prepare()
    config, arguments = adapt.read_arguments()

    import paddle
    from ppdet.core.workspace import create
    from ppdet.utils.checkpoint import load_weight
    from workers.train.methods.paddledet import fit

    detector = create(config["architecture"])
    fit(detector, config["weights"])
    load_weight(detector, config["weights"])
    shape = [None, *config["TestReader"]["inputs_def"]["image_shape"]]
    paddle.jit.save(
        outputs_of(detector),
        os.path.join(arguments.output_dir, "inference"),
        input_spec=[paddle.static.InputSpec(shape, "float32", name="x")],
    )


def outputs_of(detector):
    """Return the network with the outputs that the board reads, for a batch of any size."""
    from paddle import nn

    class Doubled(nn.Layer):
        """The neck's upsampling, by size: a scale is written as float64, which paddle2onnx rejects."""

        def forward(self, x):
            return nn.functional.interpolate(x, size=[2 * side for side in x.shape[2:]], mode="nearest")

    class Outputs(nn.Layer):
        def __init__(self):
            super().__init__()
            self.detector = detector

        def forward(self, x):
            head, outputs = self.detector.head, []
            for level, features in enumerate(self.detector.neck(self.detector.backbone({"image": x}))):
                classified, attended = head.conv_feat(features, level)
                alignment = nn.functional.sigmoid(head.cls_align[level](classified))
                outputs.append(nn.functional.sigmoid(head.head_cls_list[level](attended)) * alignment)
                outputs.append(head.head_reg_list[level](attended))
            return outputs

    detector.neck.upsample = Doubled()
    network = Outputs()
    network.eval()
    return network


if __name__ == "__main__":
    main()
