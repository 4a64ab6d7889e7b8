"""Fast operators for training on a CPU, compiled by Numba, in place of Paddle's own.

``layers.install()`` puts them over Paddle's layers; nobody calls it on a GPU. Kernels take addresses of
contiguous float32 (``Tensor.data_ptr()``), so that no tensor is copied on its way.
"""
