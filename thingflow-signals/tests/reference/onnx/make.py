"""Writes `pump.onnx`, a small network with known weights, and what ONNX Runtime makes of some samples, in `pump.csv`.

    pip install numpy onnx onnxruntime && python make.py
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
rng = np.random.default_rng(7)


def weights(name, *shape):
    return numpy_helper.from_array(rng.normal(0, 1, shape).astype(np.float32), name)


nodes = [
    helper.make_node("Gemm", ["sample", "w1", "b1"], ["hidden"]),
    helper.make_node("Tanh", ["hidden"], ["bent"]),
    helper.make_node("Gemm", ["bent", "w2", "b2"], ["scores"]),
    helper.make_node("Softmax", ["scores"], ["shares"], axis=1),
    helper.make_node("ArgMax", ["shares"], ["state"], axis=1, keepdims=0),
]
graph = helper.make_graph(
    nodes,
    "pump",
    [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["batch", 4])],
    [
        helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("state", TensorProto.INT64, ["batch"]),
    ],
    [weights("w1", 4, 5), weights("b1", 5), weights("w2", 5, 3), weights("b2", 3)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
(HERE / "pump.onnx").write_bytes(model.SerializeToString())

session = onnxruntime.InferenceSession(model.SerializeToString())
samples = np.round(rng.normal(0, 2, (50, 4)), 3).astype(np.float32)
shares, states = session.run(None, {"sample": samples})
with (HERE / "pump.csv").open("w") as file:
    print("x1,x2,x3,x4,share1,share2,share3,state", file=file)
    for sample, share, state in zip(samples, shares, states):
        print(*(f"{value:.9g}" for value in (*sample, *share)), state, sep=",", file=file)
