"""ONNX Runtime's dynamic int8 on the models that `go run ./tools/accuracy -dump DIR` wrote.

    python tools/accuracy/onnxruntime_int8.py DIR

Each model becomes an ONNX graph of LSTM, MatMul, Add and so on; quantize_dynamic makes
DynamicQuantizeLSTM and MatMulInteger of it, in the ways below, and each runs over the data
twice: all steps in one call, where one scale covers them all / a step a call with the states
handed on, as a stream does. SNR in dB against float64.

  channel, tensor   a scale for each row of weights, or for each matrix; 8 bits
  7 bits            reduce_range: x86 without VNNI adds pairs of products in 16 bits, where
                    products of 8 bits saturate
  unsigned          weights in uint8 with a zero point, which have no such pairs
"""

import json
import logging
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

logging.disable(logging.WARNING)  # quantize_dynamic recommends another tool for each model


class Refused(Exception):
    """A model that ONNX Runtime cannot run in int8."""


def graph(g):
    nodes, constants, states = [], [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(op, inputs, outputs, **attributes):
        nodes.append(helper.make_node(op, inputs, outputs, **attributes))

    for i, l in enumerate(g["layers"]):
        a = {k: np.array(v["v"], np.float32).reshape(v["rows"], v["cols"]) for k, v in l.get("arrays", {}).items()}
        x, y = [f"b{b}" for b in l["x"]], f"b{l['y']}"
        if l["op"] == "lstm":
            H = l["widths"][-1]

            def iofc(m):  # our gates are i, f, g, o
                i_, f_, g_, o_ = m.reshape(4, H, -1)
                return np.concatenate([i_, o_, f_, g_])[None]

            bias = a.get("B", np.zeros((4 * H, 1), np.float32))
            bias = np.concatenate([iofc(bias)[..., 0], np.zeros((1, 4 * H), np.float32)], 1)
            for s in "HC":
                states.append((f"{s}{i}", a.get(s, np.zeros((H, 1), np.float32)).reshape(1, 1, H)))
            node("LSTM",
                 [x[0], constant(f"W{i}", iofc(a["W"])), constant(f"R{i}", iofc(a["R"])), constant(f"B{i}", bias), "", f"H{i}", f"C{i}"],
                 [f"y{i}", f"H{i}_out", f"C{i}_out"], hidden_size=H)
            node("Squeeze", [f"y{i}", constant(f"axes{i}", np.array([1], np.int64))], [y])  # [T, 1, H]
        elif l["op"] == "dense":
            z = f"z{i}"
            node("MatMul", [x[0], constant(f"W{i}", a["W"].T)], [z])
            node("Add", [z, constant(f"B{i}", a.get("B", np.zeros((l["widths"][-1], 1), np.float32))[:, 0])], [z + "b"])
            node({"linear": "Identity", "sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}[l["f"]], [z + "b"], [y])
        elif l["op"] == "embedding":
            node("Gather", [constant(f"W{i}", a["W"]), x[0]], [y])
        elif l["op"] == "add":
            node("Add", x, [y])
        elif l["op"] == "gru":
            raise Refused("ONNX Runtime has no int8 GRU")
        else:
            raise Refused(f"no {l['op']} here")
    if g["inputs"]:
        inputs = [helper.make_tensor_value_info("b0", TensorProto.FLOAT, ["T", 1, g["inputs"]])]
    else:
        inputs = [helper.make_tensor_value_info("b0", TensorProto.INT64, ["T", 1])]
    inputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in states]
    outputs = [helper.make_tensor_value_info(f"b{g['output']}", TensorProto.FLOAT, None)]
    outputs += [helper.make_tensor_value_info(n + "_out", TensorProto.FLOAT, v.shape) for n, v in states]
    m = helper.make_model(helper.make_graph(nodes, g["name"], inputs, outputs, constants),
                          opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return m, dict(states)


def run(path, g, states, x, chunk):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    ys, states = [], dict(states)
    names = [o.name for o in session.get_outputs()]
    for t in range(0, len(x), chunk):
        out = dict(zip(names, session.run(None, {"b0": x[t:t + chunk], **states})))
        ys.append(out[f"b{g['output']}"])
        states = {n: out[n + "_out"] for n in states}
    return np.concatenate(ys)


def main():
    ways = {
        "channel": dict(per_channel=True, weight_type=QuantType.QInt8),
        "channel, 7 bits": dict(per_channel=True, weight_type=QuantType.QInt8, reduce_range=True),
        "tensor": dict(weight_type=QuantType.QInt8),
        "tensor, 7 bits": dict(weight_type=QuantType.QInt8, reduce_range=True),
        "tensor, unsigned": dict(weight_type=QuantType.QUInt8),
    }
    print(f"{'model':16}{'float32':>9}" + "".join(f"{w:>18}" for w in ways))
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        g = json.loads(file.read_text())
        want = np.array(g["y"])
        x = np.array(g["x"], np.float32)
        x = x.reshape(-1, 1, g["inputs"]) if g["inputs"] else x.astype(np.int64).reshape(-1, 1)
        try:
            m, states = graph(g)
        except Refused as reason:
            print(f"{g['name']:16}{reason}")
            continue

        def snr(path, chunk):
            have = run(path, g, states, x, chunk).reshape(want.shape)
            return 10 * np.log10((want ** 2).sum() / ((have - want) ** 2).sum())

        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/model.onnx"
            onnx.save(m, path)
            row = f"{g['name']:16}{snr(path, len(x)):9.1f}"
            for way in ways.values():
                int8 = folder + "/int8.onnx"
                quantize_dynamic(path, int8, **way)
                row += f"{snr(int8, len(x)):11.1f} / {snr(int8, 1):4.1f}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
