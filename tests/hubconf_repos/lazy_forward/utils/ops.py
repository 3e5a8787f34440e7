from utils import scale


def double(x):
    return scale.FACTOR * x
