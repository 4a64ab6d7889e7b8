"""Fast operators for training on a CPU, compiled by Numba, replacing Paddle's own.

``layers.install()`` patches Paddle's layers; it is not used on a GPU. Kernels take addresses of contiguous
float32 (``Tensor.data_ptr()``), so that no tensor is copied.
"""
