"""Export a trained classifier with the suite in the working directory."""

from pathlib import Path

from adapt import start_engine
from workers.train.precise_bn import KEY, re_estimate_weights

if __name__ == "__main__":
    engine = start_engine("export")
    if told := engine.config.get(KEY):
        weights = Path(engine.config["Global"]["pretrained_model"] + ".pdparams")
        re_estimate_weights(engine.model, weights, told)
    engine.export()
