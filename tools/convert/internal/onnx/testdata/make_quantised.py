"""Quantises small nets with onnxruntime.quantization, with an input and two outputs.

y is what the net computes in float32 with the weights that the quantised model has,
taken back to floats, and within the limits of what QuantizeLinear gives; "quantised" is what ONNX Runtime computes from the quantised
model itself, whose activations are quantised too.

Needs torch, onnx, onnxruntime and numpy. Run it in this folder.
"""

import io
import logging
import os
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

FEATURES, UNITS, STEPS = 3, 5, 12


class Net(nn.Module):
    def __init__(self, kind, vocabulary=0, function=torch.tanh, convolution=False, **options):
        super().__init__()
        self.table = nn.Embedding(vocabulary, FEATURES) if vocabulary else None
        self.function = function
        self.before = nn.Linear(FEATURES, 4)
        self.convolution = nn.Conv1d(4, 4, 3, dilation=2, groups=2) if convolution else None
        width = FEATURES if vocabulary and options.get("batch_first") else 4
        self.cell = getattr(nn, kind)(width, UNITS, **options)
        self.head = nn.Linear(UNITS * (2 if self.cell.bidirectional else 1), 2)

    def forward(self, x):
        if self.table is not None:
            x = self.table(x)
        if self.table is None or not self.cell.batch_first:  # else the rows are moved about before they are floats
            x = self.function(self.before(x))
        if self.convolution is not None:
            x = self.convolution(nn.functional.pad(x.permute(1, 2, 0), (4, 0))).permute(2, 0, 1)
        return torch.sigmoid(self.head(self.cell(x)[0]))


class Reader(CalibrationDataReader):
    """Calibrates with larger inputs, so that few limits are reached by x."""

    def __init__(self, x):
        self.left = [{"x": 3 * x}]

    def get_next(self):
        return self.left.pop() if self.left else None


def dynamic(model, out, x, **options):
    quantize_dynamic(model, out, extra_options={"MatMulConstBOnly": True}, **options)


def static(model, out, x, **options):
    quantize_static(model, out, Reader(x), quant_format=QuantFormat.QDQ, **options)


def float_weights(plain, quantised):
    """plain with the numbers that the initializers of quantised stand for."""
    q = {i.name: numpy_helper.to_array(i) for i in quantised.graph.initializer}
    for i in plain.graph.initializer:
        name = i.name + "_quantized"
        if name not in q:
            if i.name in q:
                i.CopyFrom(numpy_helper.from_array(q[i.name], i.name))
            continue
        w, scale = q[name].astype(np.float32), q[i.name + "_scale" if i.name + "_scale" in q else name + "_scale"]
        zero = q[i.name + "_zero_point"] if i.name + "_zero_point" in q else np.zeros_like(scale)
        was = numpy_helper.to_array(i)
        if w.shape != was.shape:  # of an LSTM, which is transposed there
            w = (w - expand(zero, w.ndim, w.shape)) * expand(scale, w.ndim, w.shape)
            w = w.transpose(0, 2, 1)
        else:
            w = (w - expand(zero, w.ndim, w.shape)) * expand(scale, w.ndim, w.shape)
        assert np.abs(w - was).max() < 0.05, (i.name, np.abs(w - was).max())
        i.CopyFrom(numpy_helper.from_array(w.astype(np.float32), i.name))
    return plain


def limits_only(model):
    """A model with QDQ, of which QuantizeLinear of an activation only limits it."""
    q = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    for n in model.graph.node:
        if n.op_type == "QuantizeLinear" and n.input[0] not in q:
            scale, zero = q[n.input[1]], q[n.input[2]]
            lo, hi = ((v - int(zero)) * np.float64(scale) for v in (np.iinfo(zero.dtype).min, np.iinfo(zero.dtype).max))
            limits = [numpy_helper.from_array(np.float32(v), n.output[0] + suffix) for v, suffix in ((lo, " min"), (hi, " max"))]
            model.graph.initializer.extend(limits)
            n.op_type = "Clip"
            n.input[1:] = [v.name for v in limits]
            del n.attribute[:]
        elif n.op_type == "DequantizeLinear" and n.input[0] not in q:
            n.op_type = "Identity"
            del n.input[1:], n.attribute[:]
    return model


def expand(v, rank, shape):
    v = v.astype(np.float32)
    if rank == 3 and v.size > 1:
        return v.reshape(shape[0], 1, -1)
    return v


NETS = {
    "dynamic_lstm": (dict(kind="LSTM"), dynamic, dict(weight_type=QuantType.QInt8)),
    "dynamic_lstm_channels": (dict(kind="LSTM"), dynamic, dict(weight_type=QuantType.QInt8, per_channel=True)),
    "dynamic_lstm_bidirectional": (dict(kind="LSTM", bidirectional=True), dynamic, dict(weight_type=QuantType.QUInt8)),
    "dynamic_gru": (dict(kind="GRU", num_layers=2), dynamic, dict(weight_type=QuantType.QUInt8)),
    "dynamic_embedding": (dict(kind="LSTM", vocabulary=7), dynamic, dict(weight_type=QuantType.QInt8)),
    "dynamic_embedding_batch": (dict(kind="GRU", vocabulary=7, batch_first=True), dynamic, dict(weight_type=QuantType.QUInt8)),
    "dynamic_convolution": (dict(kind="GRU", convolution=True), dynamic, dict(weight_type=QuantType.QUInt8)),
    "qdq_relu": (dict(kind="LSTM", function=torch.relu), static, dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)),
    "qdq_lstm": (dict(kind="LSTM"), static, dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)),
    "qdq_hardtanh_convolution": (dict(kind="GRU", function=nn.functional.hardtanh, convolution=True), static, dict(activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)),
    "qdq_gru_channels": (dict(kind="GRU"), static, dict(activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, per_channel=True)),
}

for name, (net, quantise, options) in NETS.items():
    name = "quantised_" + name
    if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
        continue
    torch.manual_seed(sum(map(ord, name)))
    rng = np.random.default_rng(1)
    module = Net(**net).eval()
    tokens = "vocabulary" in net
    time = 1 if net.get("batch_first") else 0
    shape = (1, STEPS) if time else (STEPS, 1)
    x = rng.integers(0, 7, shape) if tokens else rng.normal(size=(*shape, FEATURES)).astype(np.float32)
    buffer = io.BytesIO()
    torch.onnx.export(module, (torch.from_numpy(x),), buffer, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {time: "time"}, "y": {time: "time"}})
    plain = onnx.load_from_string(buffer.getvalue())
    with tempfile.TemporaryDirectory() as folder:
        source, out = folder + "/plain.onnx", folder + "/out.onnx"
        onnx.save(plain, source)
        quantise(source, out, x, **options)
        model = onnx.load(out)
    del model.graph.value_info[:], model.metadata_props[:]
    for n in model.graph.node:
        n.doc_string = ""
    onnx.save(model, name + ".onnx")
    run = lambda m: onnxruntime.InferenceSession(m.SerializeToString()).run(None, {"x": x})[0].reshape(STEPS, -1)
    quantised = run(model)
    y = run(limits_only(model) if quantise is static else float_weights(plain, model))
    np.savez(name + ".npz", x=x.reshape(STEPS, -1).astype(np.float32), y=y.astype(np.float64), quantised=quantised)
    print(name, sorted({n.op_type for n in model.graph.node}), os.path.getsize(name + ".onnx"), "off by", np.abs(quantised - y).max(), flush=True)
