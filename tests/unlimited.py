"""An engine as another package would add it, which walks nothing: what a graph does to onnxruntime itself, and what code could try.

`install` writes that package; it is found over PYTHONPATH, by the processes that load bundles too.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.releases import Workshop, resign

ENGINE = """
import ctypes, os, pickle, socket, subprocess, time
import numpy, onnxruntime

DEEDS = {
    b"subprocess": lambda: subprocess.run(["true"]),
    b"shell": lambda: os.system("true"),
    b"fork": lambda: os.fork(),
    b"socket": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    b"pickle": lambda: pickle.loads(b"\\x80\\x04cbuiltins\\nint\\n."),
    b"write": lambda: open("/tmp/seaway-evil", "w"),
    b"remove": lambda: os.remove("/tmp/seaway-evil"),
    b"abort": lambda: ctypes.string_at(1),
    b"memory": lambda: bytearray(12 << 30),
    b"endless": lambda: [None for _ in iter(int, 1)],
    b"sleep": lambda: time.sleep(600),
}

class Engine:
    name = "unlimited"

    def supports(self, program):
        return True

    def load(self, program, contract):
        graph = program.files["graph.onnx"]
        if graph in DEEDS:
            DEEDS[graph]()
        return Runner(onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]))

class Runner:
    gather = 1

    def __init__(self, session):
        self.session = session

    def run(self, batch):
        return {"margin": self.session.run(None, {})[0]}
"""


def install(folder: Path) -> str:
    """Write the package and return what PYTHONPATH must be for it to be found."""
    (folder / "unlimited_engine.py").write_text(ENGINE)
    about = folder / "unlimited_engine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: unlimited-engine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[seaway.engine]\nunlimited = unlimited_engine:Engine\n")
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))


def bundle_of(shop: Workshop, folder: Path, graph: bytes) -> Path:
    """Sign a bundle of that engine, as an insider could."""
    return resign(folder, shop.signer, {"program/graph.onnx": graph}, engine="unlimited")


def endless_loop() -> bytes:
    """A Loop whose condition stays true, for 2^63 - 1 rounds."""
    bool_, long, real = TensorProto.BOOL, TensorProto.INT64, TensorProto.DOUBLE
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["sum", "sum"], ["more"])],
        "body",
        [
            helper.make_tensor_value_info("round", long, []),
            helper.make_tensor_value_info("go", bool_, []),
            helper.make_tensor_value_info("sum", real, [1]),
        ],
        [helper.make_tensor_value_info("go_on", bool_, []), helper.make_tensor_value_info("more", real, [1])],
    )
    return _model(
        [
            helper.make_node("Constant", [], ["times"], value=_constant(np.array(2**63 - 1))),
            helper.make_node("Constant", [], ["yes"], value=_constant(np.array(True))),
            helper.make_node("Constant", [], ["start"], value=_constant(np.zeros(1))),
            helper.make_node("Loop", ["times", "yes", "start"], ["margin"], body=body),
        ]
    )


def twelve_gigabytes() -> bytes:
    """A hundred bytes that ask for 12 GB of zeros."""
    return _model(
        [
            helper.make_node("Constant", [], ["shape"], value=_constant(np.array([1_500_000_000]))),
            helper.make_node("ConstantOfShape", ["shape"], ["margin"], value=_constant(np.zeros(1))),
        ]
    )


def _constant(value: np.ndarray) -> TensorProto:
    return onnx.numpy_helper.from_array(value)


def _model(nodes: list[onnx.NodeProto]) -> bytes:
    margin = helper.make_tensor_value_info("margin", TensorProto.DOUBLE, ["n"])
    made = helper.make_model(
        helper.make_graph(nodes, "hostile", [], [margin]), opset_imports=[helper.make_opsetid("", 20)], ir_version=9
    )
    return bytes(made.SerializeToString())
