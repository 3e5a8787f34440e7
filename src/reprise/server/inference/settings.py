"""How much the hub takes on for its workers, and how long it waits for them."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Settings:
    """Ceilings of inference. Times are seconds, sizes bytes."""

    queue: int = 64  # jobs that wait, of all callers together
    deadline: float = 60.0  # until an answer begins, and between two pieces of it
    longest: float = 600.0  # one whole answer
    grace: float = 10.0  # how long a job waits for any worker at all to come
    poll: float = 20.0  # one long poll
    silence: float = 30.0  # a worker without open requests for so long is lost
    broken: float = 3.0  # the same where its last request ended by a broken connection
    stalled: float = 30.0  # a client that takes nothing for so long is left
    body: int = 32 * MIB  # one request: sound, images
    bodies: int = 256 * MIB  # all requests that wait or run
    answer: int = 256 * MIB  # one answer
    workers: int = 256  # registered at the same time
    everyone: bool = True  # run models for people who are not signed in

    @property
    def share(self) -> int:
        """Jobs of one caller that may wait."""
        return max(1, self.queue // 2)
