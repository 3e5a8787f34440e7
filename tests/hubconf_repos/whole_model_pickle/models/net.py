from models.layer import Layer


class Net:
    """Applies its layers."""

    def __init__(self, *factors):
        self.layers = [Layer(factor) for factor in factors]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
