"""Export a trained classifier with the suite in the working directory."""

from adapt import start_engine

if __name__ == "__main__":
    start_engine("export").export()
