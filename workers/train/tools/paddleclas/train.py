"""Train a classifier with the suite in the working directory."""

from adapt import start_engine
from workers.contract.ties import tie_forks

if __name__ == "__main__":
    tie_forks()
    start_engine("train").train()
