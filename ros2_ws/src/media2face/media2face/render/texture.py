"""stub for the moment"""

import numpy as np


def load_skin():
    a = np.full((64, 128, 4), (206, 160, 138, 128), np.uint8)
    return a
