"""Clients that run models on a hub, whose own worker starts with the first request."""

from pathlib import Path

import pytest

from tests.clients.conftest import LiveHub


def test_inference_client_runs_every_task(live: LiveHub, asked: Path) -> None:
    assert live.script("inference_flow", live.url, asked).startswith("ok 2.")


@pytest.mark.usefixtures("asked")
def test_openais_client_chats_completes_and_embeds(live: LiveHub) -> None:
    assert live.script("openai_flow", live.url).startswith("ok ")
