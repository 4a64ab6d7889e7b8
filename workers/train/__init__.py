"""The training program: PaddleX training, export and the ONNX files, under ``workers/contract/``."""
