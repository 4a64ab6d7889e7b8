"""Evaluate a detector with the suite in the working directory; prints the COCO table."""

import adapt


def main() -> None:
    adapt.prepare()
    config, _ = adapt.read_arguments()

    from ppdet.engine import Trainer
    from workers.train.methods.paddledet import fit

    evaluation = Trainer(config, mode="eval")
    fit(evaluation.model, config["weights"])
    evaluation.load_weights(config["weights"])
    evaluation.evaluate()


if __name__ == "__main__":
    main()
