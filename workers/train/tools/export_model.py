"""Export a trained classifier to an inference model with the suite in the working directory. PaddleX starts this file by its path."""

from adapt import start_engine

if __name__ == "__main__":
    start_engine("export").export()
