"""`reprise quantize`: a model in 8 or 4 bits, with what that costs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.base.errors import InvalidInput
from reprise.cli import output

if TYPE_CHECKING:
    from reprise.models.quantized_folder import Progress, Quantized


@click.command()
@click.argument("model")
@click.option("--dtype", type=click.Choice(["int8", "int4"]), default="int8", show_default=True,
              help="Bits of a weight.")  # fmt: skip
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where to write it.  [default: the model's name and -int8]")  # fmt: skip
@click.option("--text", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              metavar="FILE",
              help="Measure on this text.  [default: a page of English]")  # fmt: skip
@click.option("--minimum", type=click.FloatRange(0, 1), metavar="COSINE",
              help="Keep nothing below it.  [default: 0.99, int4: 0.95]")  # fmt: skip
@click.option("--revision", default="", metavar="REVISION", help="Branch, tag or commit.")
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@output.json_option
def quantize(model: str, dtype: str, folder: Path | None, text: Path | None,
             minimum: float | None, **hub: Any) -> None:  # fmt: skip
    """Write MODEL with 8 or 4 bits a weight, and print what that costs.

    The answers are compared with those in float32, token by token. When their mean cosine is below
    the minimum nothing is kept. The folder is loaded like any model, by the onnx engine.
    """
    from reprise.models.quantized_folder import quantize_folder

    own = folder or Path(f"{model.rstrip('/').rpartition('/')[2].partition('@')[0]}-{dtype}")
    hub = {name: value for name, value in hub.items() if value}
    with _progress() as progress:
        made = quantize_folder(model, own, dtype=dtype, text=_read(text), minimum=minimum,
                               progress=progress, **hub)  # fmt: skip
    output.show(made.told(), lambda: _text(made))
    output.hint(f"In Python: AutoModel….from_pretrained({str(made.folder)!r})")


def _read(text: Path | None) -> str | None:
    if text is None:
        return None
    try:
        return text.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{text} is not UTF-8: {error.reason}.") from None


def _text(made: "Quantized") -> str:
    loss = made.loss
    lines = [f"cosine        {loss.cosine:.5f} on average, {loss.lowest:.5f} at the lowest"]
    if loss.agreement is not None:
        lines.append(f"same choice   {loss.agreement:.2%} of {loss.tokens} tokens")
    if loss.before is not None and loss.after is not None:
        change = loss.after / loss.before - 1
        lines.append(f"perplexity    {loss.before:.4g} -> {loss.after:.4g} ({change:+.2%})")
    if made.text == "drawn tokens":
        lines.append("measured on   tokens drawn at random: the model has no tokenizer")
    sizes = output.size_text(made.bytes_before), output.size_text(made.bytes_after)
    lines.append(f"weights       {sizes[0]} -> {sizes[1]}")
    return "\n".join([*lines, f"folder        {made.folder}"])


@contextmanager
def _progress() -> Iterator["Progress"]:
    """Show one bar for each thing that is done, where somebody is watching."""
    if output.is_quiet() or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich import progress
    from rich.console import Console

    with progress.Progress(console=Console(stderr=True), transient=True) as shown:
        bars: dict[str, progress.TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = shown.add_task(what, total=total)
            shown.update(bars[what], completed=done)

        yield tell
