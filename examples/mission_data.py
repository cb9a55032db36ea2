"""The images on which both networks of the README are trained: which handwritten digits are odd?"""

import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

BATCH = 64


def load_data(seed):
    """Return images (n, 1, 31, 31) in [0, 1] and targets (n, 1), 1 for an odd digit, each in two parts."""
    digits = load_digits()
    images = zoom(digits.images / 16, (1, 31 / 8, 31 / 8), order=1)[:, np.newaxis].astype("float32")
    odd = (digits.target % 2)[:, np.newaxis].astype("float32")
    return train_test_split(images, odd, test_size=0.25, random_state=seed, stratify=digits.target)


def batches(images, rng):
    """Return the indices of every image once, in random order, in batches."""
    order = rng.permutation(len(images))
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
