"""Exported models from strangers: reading one runs nothing, whatever its files say. Needs torch."""

import hashlib
import io
import json
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import CorruptContent, InvalidFormat, IsolationFailed, NotSupported
from reprise.hub import Isolation, export, load_exported
from reprise.isolate.inside import export_rules, exported, exporting
from reprise.isolate.inside.export_archive import clean_archive, header_of, read_header
from reprise.isolate.inside.export_rules import Refused
from reprise.isolate.limits import Level
from tests.sandboxes import skip_unless_available

torch = pytest.importorskip("torch")

MARK = "REACHED"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    with torch.no_grad():
        made = exporting.export(torch.nn.Linear(4, 2), "2x4", "batch")
    facts = made.facts()
    (folder / exported.PROGRAM).write_bytes(made.program())
    for name, sides in ((exported.WEIGHTS, ("state.",)), (exported.EXAMPLE, ("input.", "output."))):
        chosen = {key: value for key, value in facts["stored"].items() if key.startswith(sides)}
        data = header_of(chosen) + b"".join(made.tensor(key) for key in chosen)
        (folder / name).write_bytes(data)
    describe(folder, facts | {"version": 1})
    return folder


@pytest.fixture
def folder(honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(honest, copy)
    monkeypatch.chdir(tmp_path)  # where an attack would leave its mark
    return copy


def describe(folder: Path, value: dict[str, Any]) -> None:
    """Write the description with digests of the files as they are: an attacker does so, too."""
    value["sha256"] = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in exported.FILES
    }
    (folder / exported.DESCRIPTION).write_text(json.dumps(value))


def rewrite(folder: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """Change records of the archive, by name without its root."""
    path = folder / exported.PROGRAM
    with zipfile.ZipFile(path) as archive:
        records = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(records)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in records.items():
            archive.writestr(f"model/{name}", data)
    describe(folder, json.loads((folder / exported.DESCRIPTION).read_text()))


def program(change: Callable[[Any], object]) -> Callable[[dict[str, bytes]], object]:
    def work(records: dict[str, bytes]) -> None:
        value = json.loads(records["models/model.json"])
        change(value)
        records["models/model.json"] = json.dumps(value).encode()

    return work


def graph(value: Any) -> Any:
    return value["graph_module"]["graph"]


CODE = f"__import__('pathlib').Path('{MARK}').touch()"


def size(value: Any) -> None:
    tensor = next(iter(graph(value)["tensor_values"].values()))
    tensor["sizes"][0] = {"as_expr": {"expr_str": CODE, "hint": None}}


def call_signature(value: Any) -> Any:
    return value["graph_module"]["module_call_graph"][0]["signature"]


def default_dict(value: Any) -> None:
    context = {"default_factory_module": "os", "default_factory_name": "getcwd",
               "dict_context": "[]"}  # fmt: skip
    node = {"type": "collections.defaultdict", "context": json.dumps(context), "children_spec": []}
    call_signature(value)["out_spec"] = json.dumps([1, node])


class Mark:
    def __reduce__(self) -> Any:
        return Path.touch, (Path(MARK),)


@pytest.mark.parametrize(
    "change",
    [
        size,
        lambda v: v["range_constraints"].update({CODE: {"min_val": 2, "max_val": 4}}),
        lambda v: v["guards_code"].append(CODE),
        lambda v: v["guards_code"].append("L['x'].size().__class__"),
        lambda v: v["guards_code"].append("L['x'].size()[0] == 1 or torch.load('x')"),
        lambda v: v["guards_code"].append("[x for x in ()]"),
        lambda v: v["guards_code"].append("L['\\n']"),
        lambda v: graph(v)["nodes"][0].update(target="torch.load"),
        lambda v: graph(v)["nodes"][0].update(target="torch.hub.load"),
        lambda v: graph(v)["nodes"][0].update(target="torch.ops.aten.from_file.default"),
        lambda v: graph(v)["nodes"][0].update(target="_operator.methodcaller"),
        lambda v: graph(v)["nodes"][0].update(target="#executorch:x"),
        lambda v: graph(v)["nodes"][0].update(target=7),
        lambda v: graph(v)["nodes"][0].update(name=f"x\n{CODE}"),
        lambda v: graph(v)["inputs"][0]["as_tensor"].update(name=f"x={CODE}"),
        lambda v: graph(v)["tensor_values"].update({f"x;{CODE}": {}}),
        lambda v: call_signature(v).update(forward_arg_names=[f"x={CODE}"]),
        default_dict,
        lambda v: call_signature(v).update(in_spec="[1, 2]"),
        lambda v: v["graph_module"]["treespec_namedtuple_fields"].update(a={"field_names": ["b"]}),
        lambda v: graph(v)["custom_obj_values"].update(a={"name": "a", "class_fqn": "b"}),
        lambda v: graph(v)["inputs"].append({"as_custom_obj": {"name": "a", "class_fqn": "b"}}),
        lambda v: v.update(surprise="text"),
        lambda v: v.update({"a-b": 1}),
    ],
)
def test_programs_that_say_more_than_a_graph_are_refused(
    folder: Path, change: Callable[[Any], object]
) -> None:
    rewrite(folder, program(change))
    with pytest.raises(InvalidFormat, match="is not loaded as an exported model"):
        load_exported(folder)
    assert not Path(MARK).exists()


def payload(records: dict[str, bytes]) -> None:
    name = "data/weights/model_weights_config.json"
    value = json.loads(records[name])
    first = next(iter(value["config"].values()))
    first["use_pickle"] = True
    records[f"data/weights/{first['path_name']}"] = pickle.dumps(Mark())
    records[name] = json.dumps(value).encode()


@pytest.mark.parametrize(
    "change",
    [
        payload,
        lambda r: r.update({"data/weights/model.pt": pickle.dumps(Mark())}),
        lambda r: r.update({"data/constants/model.pt": pickle.dumps(Mark())}),
        lambda r: r.update({"data/constants/opaque_obj_0": pickle.dumps(Mark())}),
        lambda r: r.update({"data/aotinductor/model/a.so": b"\x7fELF"}),
        lambda r: r.update({"data/weights/weight_0": bytes(1000)}),
        lambda r: r.pop("models/model.json"),
        lambda r: r.update({"models/model.json": b"{]"}),
        lambda r: r.update({"models/model.json": b"[" * 100_000}),
        lambda r: r.update({"models/other.json": r["models/model.json"]}),
        lambda r: r.update({"data/weights/model_weights_config.json": b"{}"}),
    ],
)
def test_archives_that_hold_more_than_a_graph_are_refused(
    folder: Path, change: Callable[[dict[str, bytes]], object]
) -> None:
    rewrite(folder, change)
    with pytest.raises(InvalidFormat, match="is not loaded as an exported model"):
        load_exported(folder)
    assert not Path(MARK).exists()


def test_a_pickled_example_in_the_archive_is_thrown_away(folder: Path) -> None:
    rewrite(folder, lambda r: r.update({"data/sample_inputs/model.pt": pickle.dumps(Mark())}))
    assert load_exported(folder)(torch.ones(3, 4)).shape == (3, 2)
    assert not Path(MARK).exists()


def test_a_second_record_of_the_same_name_is_not_read_instead(folder: Path) -> None:
    path = folder / exported.PROGRAM
    with zipfile.ZipFile(path, "a") as archive:
        name = next(n for n in archive.namelist() if n.endswith("models/model.json"))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(name, json.dumps({"surprise": CODE}))
    describe(folder, json.loads((folder / exported.DESCRIPTION).read_text()))
    with pytest.raises(InvalidFormat):
        load_exported(folder)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip" * 100])
def test_what_is_no_archive_is_refused(folder: Path, data: bytes) -> None:
    (folder / exported.PROGRAM).write_bytes(data)
    describe(folder, json.loads((folder / exported.DESCRIPTION).read_text()))
    with pytest.raises(InvalidFormat, match=r"no archive of torch\.export"):
        load_exported(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["tensors"].pop(),
        lambda d: d["tensors"][0].update(name="nobody"),
        lambda d: d["tensors"][0].update(tensor="nobody"),
        lambda d: d["tensors"][0].update(kind=[]),
        lambda d: d["tensors"][0].update(strides=[2**62, 1]),
        lambda d: d["tensors"][0].update(strides="x"),
        lambda d: d["tensors"][0].update(complex=True),
        lambda d: d["tensors"].append({}),
        lambda d: d.update(tensors=7),
        lambda d: d["example"].update(spec="[1, {}]"),
        lambda d: d["example"].update(input=[{"tensor": "nobody"}]),
        lambda d: d["example"].update(input=7),
        lambda d: d.pop("example"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(
    folder: Path, change: Callable[[Any], object]
) -> None:
    value = json.loads((folder / exported.DESCRIPTION).read_text())
    change(value)
    describe(folder, value)
    with pytest.raises(InvalidFormat, match="is not loaded as an exported model"):
        load_exported(folder)


def test_digests_are_of_all_files_and_of_no_other(folder: Path) -> None:
    value = json.loads((folder / exported.DESCRIPTION).read_text())
    for digests in ({}, {"../x": "0"}, 7, value["sha256"] | {"more": "0"}):
        (folder / exported.DESCRIPTION).write_text(json.dumps(value | {"sha256": digests}))
        with pytest.raises(InvalidFormat, match="does not name its files"):
            load_exported(folder)
    digests = value["sha256"] | {exported.WEIGHTS: "0" * 64}
    (folder / exported.DESCRIPTION).write_text(json.dumps(value | {"sha256": digests}))
    with pytest.raises(CorruptContent):
        load_exported(folder)


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "data",
    [b"", bytes(7), bytes(8), (2**63).to_bytes(8, "little") + b"{}", safetensors([]),
     safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}),
     safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(5)),
     safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
     safetensors({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
     safetensors({"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}}),
     safetensors({"a": {"dtype": "X", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
     safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
     safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                  "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
     safetensors({"a": {"dtype": [], "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
     safetensors({"a": 1})],
)  # fmt: skip
def test_safetensors_that_lie_about_themselves_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        read_header(data)


@pytest.mark.parametrize(
    "text",
    ["s0", "2*s0 + 1", "Max(1, s0//2)", "FloorDiv(s0 + 1, 2)", "Symbol('s77', integer=True)",
     "Eq(Mod(s0, 2), 0)", "Integer(3)*Symbol('u0', positive=True)"],
)  # fmt: skip
def test_honest_sizes_are_accepted(text: str) -> None:
    export_rules.check_size(text)


@pytest.mark.parametrize(
    "text",
    ["x", "s0.free_symbols", "eval('1')", "Symbol('x')", "lambda: 0", "s0[0]", "'s0'.format", "S",
     "__import__", "s0;s1", "s0\\", "Q.x", "9" * 5000, None, 7],
)  # fmt: skip
def test_sizes_that_are_more_than_arithmetic_are_refused(text: Any) -> None:
    with pytest.raises(Refused):
        export_rules.check_size(text)


def test_a_program_of_a_strange_kind_is_refused() -> None:
    for text in (b"", b"[]", b"7", b'"x"', b"\xff"):
        with pytest.raises(Refused):
            export_rules.clean_program(text)
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(1)}, buffer)  # a zip, too, but of a pickle
    with pytest.raises(Refused):
        clean_archive(buffer.getvalue())


# a worker that lies about what it exported

LIAR = """
import sys, types

class Exported:
    def program(self):
        return PROGRAM
    def facts(self):
        return FACTS
    def tensor(self, name):
        return TENSOR

PROGRAM, TENSOR = b"x", b""
FACTS = {"torch": "2", "tensors": [], "example": {}, "dynamic": {}, "arguments": [],
         "conditions": [], "stored": {}}
CHANGE

class Net:
    pass

fake = types.ModuleType("_reprise_worker.exporting")
fake.export = lambda *args: Exported()
sys.modules["_reprise_worker.exporting"] = fake

def net():
    return Net()
"""


ARCHIVE = """
import io, zipfile
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("model/data/weights/model.pt", "a pickle")
PROGRAM = buffer.getvalue()
"""


@pytest.mark.parametrize(
    "change",
    ["", "PROGRAM = 7", "PROGRAM = bytes(10_000)", "FACTS = 7", "FACTS = {}", "FACTS['stored'] = 7",
     "FACTS['stored'] = {'state.a': ['F32', [2**40]]}", "FACTS['stored'] = {'state.a': ['X', []]}",
     "FACTS['stored'] = {'state.a': ['F32', [-1]]}", "FACTS['stored'] = {'state.a': 1}",
     "FACTS['stored'] = {f'state.{n}': ['F32', []] for n in range(200_000)}",
     ARCHIVE],
)  # fmt: skip
def test_what_a_hostile_worker_exports_is_checked_before_it_is_kept(
    tmp_path: Path, change: str
) -> None:
    skip_unless_available(Level.RULES)
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/hubconf.py").write_text(LIAR.replace("CHANGE", change))
    wanted = Isolation(environment=Path(sys.executable))
    with pytest.raises(IsolationFailed, match="The worker sent no exported model"):
        export(str(tmp_path / "repo"), "net", tmp_path / "out", example="2", isolated=wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["repo"]


def test_weights_that_do_not_give_the_told_output_are_not_kept(
    tmp_path: Path, honest: Path
) -> None:
    skip_unless_available(Level.RULES)
    (tmp_path / "repo").mkdir()
    program = (honest / exported.PROGRAM).read_bytes()
    described = json.loads((honest / exported.DESCRIPTION).read_text())
    change = f"PROGRAM = {program!r}\nFACTS = {described!r}\nTENSOR = bytes(8)"
    change += "\nFACTS['stored'] = {n: ['F32', s] for n, s in SHAPES.items()}"
    change += "\nExported.tensor = lambda self, n: bytes(4 * len(range(SIZES[n])))"
    shapes = {
        name: shape
        for file in (exported.WEIGHTS, exported.EXAMPLE)
        for name, (_, shape, _) in read_header((honest / file).read_bytes()).items()
    }
    sizes = {name: torch.Size(shape).numel() for name, shape in shapes.items()}
    text = LIAR.replace("CHANGE", f"SHAPES = {shapes}\nSIZES = {sizes}\n{change}")
    # All zeros go together; an output of ones does not go with them.
    text += "\nplain = Exported.tensor\nExported.tensor = lambda self, n: (b'\\0\\0\\x80\\x3f' * "
    text += "SIZES[n] if n.startswith('output') else plain(self, n))\n"
    (tmp_path / "repo/hubconf.py").write_text(text)
    wanted = Isolation(environment=Path(sys.executable))
    with pytest.raises(NotSupported, match="the largest difference is 1"):
        export(str(tmp_path / "repo"), "net", tmp_path / "out", example="2x4", isolated=wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["repo"]
