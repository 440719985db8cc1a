"""Makes external/: a GRU as torch.onnx.export writes it unasked, the weights in a file of
their own, with input and float64 output. PyTorch 2.15.0 with onnxscript.

    python make_external.py
"""

import os

import numpy as np
import onnx
import torch

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "external")


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.GRU(3, 8, batch_first=True)
        self.head = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


torch.manual_seed(1)
net = Net().eval()
for p in net.parameters():
    torch.nn.init.uniform_(p, -1, 1)
x = torch.randn(1, 12, 3)
torch.onnx.export(net, (x,), f"{folder}/gru.onnx", input_names=["x"], dynamic_shapes=({1: torch.export.Dim("time")},))
m = onnx.load(f"{folder}/gru.onnx", load_external_data=False)
for message in (*m.graph.node, *m.graph.value_info, *m.graph.input, *m.graph.output, *m.graph.initializer, m.graph, m):
    message.ClearField("doc_string")  # traces of the exporter, with its paths
    del message.metadata_props[:]
with open(f"{folder}/gru.onnx", "wb") as f:
    f.write(m.SerializeToString())
y = net.double()(x.double()).detach().numpy()
np.savez(f"{folder}/gru.npz", x=x.numpy()[0], y=y[0])
