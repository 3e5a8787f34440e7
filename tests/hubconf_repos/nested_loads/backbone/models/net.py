import torch


class Backbone(torch.nn.Module):
    """One layer and a function found late."""

    def __init__(self, width):
        super().__init__()
        self.layer = torch.nn.Linear(2, width)

    def forward(self, x):
        from models.act import activate

        return activate(self.layer(x))
