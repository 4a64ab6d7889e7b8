"""Train a classifier with the suite in the working directory."""

from adapt import start_engine
from workers.contract.ties import tie_forks
from workers.train.decoded import decoded_kept

if __name__ == "__main__":
    tie_forks()
    with decoded_kept():
        start_engine("train").train()
