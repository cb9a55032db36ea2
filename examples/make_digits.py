"""Write digits.npz: digits that the networks of the README were not trained on, to show to them.

It needs scikit-learn (``pip install 'filtviz[nmf]'``), whose digits they are.
"""

from pathlib import Path

import numpy as np
from mission_data import load_data

SEED = 0
N = 200

_, images, _, odd = load_data(SEED)
# As pictures have them: whole numbers from 0 to 255.
pixels = np.rint(images[:N] * 255).astype(np.uint8)
path = Path(__file__).parent / "digits.npz"
np.savez_compressed(path, images=pixels, labels=odd[:N, 0].astype(np.uint8))
print(f"{path.name}: {pixels.shape}, {path.stat().st_size:,} bytes")
