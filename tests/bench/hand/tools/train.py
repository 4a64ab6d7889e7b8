"""Train a classifier as the suite's own launcher does: with Paddle's operators."""

import adapt

from workers.contract.ties import tie_forks

if __name__ == "__main__":
    tie_forks()
    adapt.use_kernels = lambda: None
    adapt.start_engine("train").train()
