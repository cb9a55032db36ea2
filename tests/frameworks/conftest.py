"""Keras runs on PyTorch here, which is installed beside it."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # looked at when Keras is imported
