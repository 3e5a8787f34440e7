"""Read safetensors files."""

from pathlib import Path

from reprise.base.errors import InvalidFormat
from reprise.formats.safetensors_header import LENGTH_SIZE, header_length, parse_whole_header
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.mapped import MappedFile
from reprise.models.weights.stored import Place, StoredTensor, in_file


def open_safetensors(path: Path) -> Checkpoint:
    """Open one safetensors file. Only its header is read.

    Raises:
        InvalidFormat: The header is damaged, or does not describe each byte behind it exactly once.
    """
    file = MappedFile(path)
    length = header_length(bytes(file.bytes[:LENGTH_SIZE]))
    text = file.view(LENGTH_SIZE, length, "the header")
    header, metadata = parse_whole_header(bytes(text))
    start = LENGTH_SIZE + length
    tensors: dict[str, StoredTensor] = {}
    end = 0
    for name, info in sorted(header.items(), key=lambda item: (item[1].start, item[1].end)):
        if info.start != end:
            raise InvalidFormat(
                f"{path.name} lies: tensor {name[:80]!r} starts at byte {info.start} behind the "
                f"header, where {end} is due. Tensors must neither overlap nor leave gaps."
            )
        end = info.end
        place = Place(file, start + info.start, info.end - info.start)
        tensors[name] = in_file(name, info.dtype, info.shape, place)
    if start + end != file.size:
        raise InvalidFormat(
            f"{path.name} is {file.size} bytes long, but its header describes {start + end}. "
            "Download it again."
        )
    return Checkpoint("safetensors", (path,), tensors, metadata)
