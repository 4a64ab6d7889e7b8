"""The training worker: PaddleX training, export and the ONNX files, under ``workers/contract/``."""
