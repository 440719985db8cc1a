"""Make kinds.zip: every recurrent module of PyTorch in every form that it is saved in.

    pip install torch numpy
    python make_kinds.py     # writes kinds.zip; the same numbers each time

The net of KIND is the module and a head of two dense layers, with relu and sigmoid:

    KIND.pt          its state_dict
    KIND.module.pt   torch.save(net), the whole module
    KIND.script.pt   torch.jit.script
    KIND.trace.pt    torch.jit.trace
    KIND.yaml        the spec, for the first two
    KIND.npz         x [20, 2], and y [20, 2] of the net in float64
"""

import io
import os
import warnings
import zipfile

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {
    "rnn_tanh": lambda: nn.RNN(2, 4),
    "rnn_relu_2": lambda: nn.RNN(2, 4, 2, nonlinearity="relu"),
    "rnn_both_ways": lambda: nn.RNN(2, 4, bidirectional=True),
    "lstm_no_bias": lambda: nn.LSTM(2, 4, bias=False),
    "lstm_both_ways": lambda: nn.LSTM(2, 4, bidirectional=True),
    "lstm_projection_2": lambda: nn.LSTM(2, 4, 2, proj_size=2),
    "gru_no_bias": lambda: nn.GRU(2, 4, bias=False),
    "gru_both_ways_2": lambda: nn.GRU(2, 3, 2, bidirectional=True),
    "gru_batch_first_2": lambda: nn.GRU(2, 4, 2, batch_first=True, dropout=0.1),
}


class Net(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        width = (rnn.proj_size or rnn.hidden_size) * (1 + rnn.bidirectional)
        self.rnn = rnn
        self.head = nn.Sequential(nn.Linear(width, 4), nn.ReLU(), nn.Linear(4, 2), nn.Sigmoid())

    def forward(self, x):
        return self.head(self.rnn(x)[0])


def saved(save, *what):
    b = io.BytesIO()
    save(*what, b)
    return b.getvalue()


def without_debugging(archive):
    """A TorchScript archive without the lines of the source, which say where it was made."""
    b = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(b, "w") as new:
        for entry in old.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                new.writestr(entry, old.read(entry))
    return b.getvalue()


def spec(rnn):
    activation = f"\n    activation: {rnn.nonlinearity}" if isinstance(rnn, nn.RNN) else ""
    return f"""layers:
  - {type(rnn).__name__.lower()}: rnn{activation}
  - dense: head.0
    activation: relu
  - dense: head.2
    activation: sigmoid
"""


print("torch", torch.__version__)
torch.manual_seed(17)
x = torch.rand(20, 1, 2) * 2 - 1
with zipfile.ZipFile(os.path.join(HERE, "kinds.zip"), "w") as out:

    def write(name, data):
        entry = zipfile.ZipInfo(name)  # without the time
        entry.compress_type = zipfile.ZIP_DEFLATED
        out.writestr(entry, data)

    for kind, make in KINDS.items():
        net = Net(make()).eval()
        batch = x.transpose(0, 1) if net.rnn.batch_first else x
        write(f"{kind}.pt", saved(torch.save, net.state_dict()))
        write(f"{kind}.module.pt", saved(torch.save, net))
        write(f"{kind}.script.pt", without_debugging(saved(torch.jit.save, torch.jit.script(net))))
        write(f"{kind}.trace.pt", without_debugging(saved(torch.jit.save, torch.jit.trace(net, batch))))
        write(f"{kind}.yaml", spec(net.rnn))
        with torch.no_grad():
            y = net.double()(batch.double())
        write(f"{kind}.npz", saved(lambda b: np.savez(b, x=x[:, 0].numpy(), y=y.reshape(20, 2).numpy())))
