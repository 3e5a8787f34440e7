"""The error tree of Reprise.

    RepriseError
    ├── InvalidInput          a value, file or request is malformed           400
    │   ├── InvalidId         a repo id, revision or path breaks the grammar  400
    │   ├── InvalidField      a field of a JSON body is missing or cannot be  422
    │   └── InvalidFormat     bytes that do not follow their format           400
    ├── Unauthenticated       no access token, or one the hub does not know   401
    ├── Forbidden             the caller may not do this                      403
    │   └── GatedRepo         access must be requested first                  403
    ├── NotFound              nothing by that name                            404
    │   ├── RepoNotFound
    │   ├── RevisionNotFound
    │   └── EntryNotFound
    ├── AlreadyExists         the name is taken                               409
    ├── StaleParent           the branch moved since the caller looked        412
    ├── TooLarge              over a stated limit                             413
    ├── RangeNotSatisfiable   a byte range outside the file                   416
    ├── TooManyRequests       try again later                                 429
    ├── NotAnswered           no worker answered in time, or it was lost      503
    │   └── AnsweredTooLate   a worker took it and did not answer in time     504
    ├── NotSupported          a part of the protocol this hub does not speak  501
    ├── HubUnreachable        the network or the hub failed; nothing cached   503
    ├── OfflineMiss           offline, and the cache lacks what was asked     503
    ├── ConsentRequired       unknown code would run; nobody agreed           403
    ├── MissingDependencies   a repo's code needs packages that are absent    424
    │   └── IncompatibleDependencies  no versions of them go together         424
    ├── MissingExtra          an optional part of Reprise is not installed    424
    ├── IsolationFailed       code in a process of its own gave no answer     500
    │   ├── RemoteFailure     it raised; the message holds its traceback      500
    │   ├── WorkerCrashed     its process ended                               500
    │   │   └── ObjectGone    the object asked for had been in it             500
    │   └── WorkerTimeout     it took longer than it was given                500
    └── CorruptContent        bytes do not match their digest                 422

Hub errors carry the wire's code (`X-Error-Code`): the server raises them, the client raises the
same class again. A message says what happened, to what, and what to do next.
"""

from typing import ClassVar


class RepriseError(Exception):
    """Root of every error that Reprise raises on purpose."""

    status: ClassVar[int] = 500
    code: ClassVar[str | None] = None
    hint: str = ""  # what to do next, when it deserves a line of its own
    retry_after: int = 0  # seconds after which trying again makes sense; 0: nobody knows

    def __init__(self, *args: object, hint: str = "", retry_after: int = 0) -> None:
        super().__init__(*args)
        self.hint = hint
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """The sentence meant for people."""
        return str(self.args[0]) if self.args else type(self).__name__

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InvalidInput(RepriseError):
    """A value, file or request is malformed."""

    status = 400


class InvalidId(InvalidInput):
    """A repo id, revision or path breaks the grammar."""


class InvalidField(InvalidInput):
    """A field of a JSON body is missing, of a wrong type or out of range.

    Attributes:
        field: Which one: `parameters.top_k`.
    """

    status = 422

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class InvalidFormat(InvalidInput):
    """Bytes do not follow the format they claim."""


class Unauthenticated(RepriseError):
    """No access token was sent, or one the hub does not know."""

    status = 401


class Forbidden(RepriseError):
    """The caller is known but may not do this."""

    status = 403


class GatedRepo(Forbidden):
    """The repo asks for an access request first."""

    code = "GatedRepo"


class NotFound(RepriseError):
    """Nothing exists by that name, or the caller may not know that it does."""

    status = 404


class RepoNotFound(NotFound):
    """No repo by that id is visible to the caller."""

    code = "RepoNotFound"


class RevisionNotFound(NotFound):
    """The repo has no such branch, tag or commit."""

    code = "RevisionNotFound"


class EntryNotFound(NotFound):
    """The commit has no file or folder at that path."""

    code = "EntryNotFound"


class AlreadyExists(RepriseError):
    """The name is taken."""

    status = 409


class StaleParent(RepriseError):
    """The branch moved since the caller looked at it."""

    status = 412


class TooLarge(RepriseError):
    """Something is over a stated limit."""

    status = 413


class RangeNotSatisfiable(RepriseError):
    """The byte range lies outside the file."""

    status = 416


class CorruptContent(RepriseError):
    """Bytes do not match the digest they were announced with."""

    status = 422


class MissingDependencies(RepriseError):
    """A repo's code needs packages that are not installed."""

    status = 424


class IncompatibleDependencies(MissingDependencies):
    """No versions of the packages that a repo's code needs go together."""


class MissingExtra(RepriseError):
    """An optional part of Reprise is not installed."""

    status = 424


class TooManyRequests(RepriseError):
    """The caller should try again later."""

    status = 429


class NotAnswered(RepriseError):
    """No worker answered a request to run a model."""

    status = 503


class AnsweredTooLate(NotAnswered):
    """A worker took the request, and its answer did not come in time."""

    status = 504


class NotSupported(RepriseError):
    """A part of the protocol that this hub does not speak."""

    status = 501


class HubUnreachable(RepriseError):
    """The network or the hub failed, and the cache could not stand in."""

    status = 503


class OfflineMiss(RepriseError):
    """Offline mode is on and the cache lacks what was asked for."""

    status = 503


class ConsentRequired(RepriseError):
    """Code nobody agreed to would have to run."""

    status = 403


class IsolationFailed(RepriseError):
    """Code in a process of its own gave no answer."""


class RemoteFailure(IsolationFailed):
    """Code in a worker raised an exception.

    Attributes:
        kind: Name of the exception's class: `ValueError`.
        trace: The worker's traceback, as text.
    """

    def __init__(self, message: str, *, kind: str = "", trace: str = "") -> None:
        super().__init__(message, hint=trace)
        self.kind = kind
        self.trace = trace


class WorkerCrashed(IsolationFailed):
    """A worker's process ended while, or before, it was asked something."""


class ObjectGone(WorkerCrashed):
    """An object was in a worker's process that has ended."""


class WorkerTimeout(IsolationFailed):
    """A worker took longer than it was given, and was ended."""
