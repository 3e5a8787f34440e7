"""Auto classes and concrete ones, made on demand: no table of classes, no import of an engine."""

from os import PathLike
from typing import Any, ClassVar

from reprise.base.errors import InvalidInput
from reprise.models.config import Config, read_config
from reprise.models.families import family_of
from reprise.models.family import Family
from reprise.models.loading import load_pretrained
from reprise.models.plan import make_plan
from reprise.models.source import locate
from reprise.models.tasks import head_for


class AutoConfig:
    """Loads configurations."""

    @staticmethod
    def from_pretrained(name_or_path: str | PathLike[str], **options: Any) -> Config:
        """Load the configuration of a model, over its family's defaults.

        Args:
            name_or_path: A folder, or a repo as `reprise.download` takes it.
            **options: `revision`, `subfolder`, `endpoint`, `token`, `offline`.

        Raises:
            EntryNotFound: There is no `config.json`.
            NotSupported: No family knows the model type.
        """
        config = read_config(locate(name_or_path, weights=False, **options).folder)
        return config.over(family_of(config.model_type).defaults)


class _ByHead(type):
    """`isinstance(model, BertForMaskedLM)` asks what the model was made from."""

    def __instancecheck__(cls, instance: object) -> bool:
        plan = getattr(instance, "plan", None)
        return plan is not None and cls.fits(plan.family, plan.head_name)  # type: ignore[attr-defined]


class _Loader(metaclass=_ByHead):
    """What Auto classes and concrete ones have in common."""

    @classmethod
    def head_of(cls, family: Family) -> str:
        """Name the head that this class stands for in a family."""
        raise NotImplementedError

    @classmethod
    def fits(cls, family: Family, head_name: str) -> bool:
        """Tell whether a model of a family with a head is one of this class."""
        return cls.head_of(family) == head_name

    @classmethod
    def from_pretrained(cls, name_or_path: str | PathLike[str], **options: Any) -> Any:
        """Load a model.

        Nothing of a repo is executed. Weights are read from safetensors, torch files, TensorFlow
        and Flax checkpoints or GGUF, in this order. A file that does not fit the configuration
        raises; a head that the file lacks is drawn from a seed and reported.

        Args:
            name_or_path: A folder, or a repo as `reprise.download` takes it.
            **options: `engine` ("torch", "onnx" or "auto"), `dtype`, `device`, `seed`, `strict`,
                `new_head`;
                `revision`, `subfolder`, `endpoint`, `token`, `offline` of the hub; `config`;
                everything else changes the configuration: `num_labels=3`.

        Raises:
            EntryNotFound: No configuration, or no weights.
            InvalidInput: The weights do not fit; the message has the lists.
            NotSupported: No family knows the model type, or the engine cannot express it.
        """
        return load_pretrained(name_or_path, cls.head_of, **options)

    @classmethod
    def from_config(cls, config: Config, *, seed: int = 0) -> Any:
        """Make a new model on the torch engine, its weights drawn from a seed."""
        from reprise.models.torch.fresh import fresh

        return fresh(make_plan(config, cls.head_of(family_of(config.model_type))), seed)


def auto_class(name: str) -> type[_Loader]:
    """Make the Auto class of a name, see `tasks.AUTO_HEADS`."""

    def head_of(_: type[_Loader], family: Family) -> str:
        return head_for(name, family)

    inside = {"head_of": classmethod(head_of), "__module__": __name__}
    return _ByHead(name, (_Loader,), inside)  # type: ignore[return-value]


class Concrete(_Loader):
    """One head of one family, such as `BertForMaskedLM`."""

    family: ClassVar[Family]
    head_name: ClassVar[str]

    def __new__(cls, config: Config, *, seed: int = 0) -> Any:
        """Make a new model, see `from_config`."""
        return cls.from_config(config, seed=seed)

    @classmethod
    def head_of(cls, family: Family) -> str:
        """Name its head.

        Raises:
            InvalidInput: The configuration is of another family.
        """
        if family.prefix != cls.family.prefix:
            raise InvalidInput(
                f"{cls.__name__} cannot load a model of type {family.model_type!r}.",
                hint=f"Use an Auto class, or a class whose name begins with {family.prefix}.",
            )
        return cls.head_name

    @classmethod
    def fits(cls, family: Family, head_name: str) -> bool:
        """Tell whether a model is of this family and has this head."""
        return family.prefix == cls.family.prefix and head_name == cls.head_name


def concrete_class(family: Family, head_name: str) -> type[Concrete]:
    """Make the class of one head of a family."""
    inside = {"family": family, "head_name": head_name, "__module__": __name__}
    return _ByHead(f"{family.prefix}{head_name}", (Concrete,), inside)  # type: ignore[return-value]
