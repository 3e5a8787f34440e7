import torch


class Head(torch.nn.Linear):
    """Classifies."""
