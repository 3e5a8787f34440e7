"""Repo b of two whose packages have the same names."""

from models.net import Net
from utils import helper as _helper

dependencies = []


def net(x=1):
    """Net of repo b."""
    return Net(_helper.NAME, x)
