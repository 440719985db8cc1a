"""Make formats/script_*.pt: TorchScript archives of two small nets, scripted and traced,
and what the nets compute.

    pip install torch numpy
    python make_torchscript.py      # writes into formats/; the same numbers each time

script_lstm.pt, trace_lstm.pt   a stack of two LSTMs, a normalisation and a head
script_gru.pt, trace_gru.pt     tokens, a GRU, a residual Sequential; log_softmax
script_branch.pt                to be refused: what it computes depends on the numbers
torchscript.npz                 x_lstm [30, 3], y_lstm [30, 4], x_gru [30], y_gru [30, 5];
                                the outputs in float64
"""

import io
import os
import warnings
import zipfile

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats")


class LSTMNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 5, 2, batch_first=True, dropout=0.1)
        self.drop = nn.Dropout(0.1)
        self.norm = nn.LayerNorm(5, eps=1e-3)
        self.fc = nn.Linear(5, 4)
        self.register_buffer("scale", torch.tensor([[[2.0, 0.5, 3.0]]]))

    def forward(self, x):
        y, _ = self.lstm(x * self.scale)
        y = self.fc(self.norm(self.drop(y)))
        return 0.5 * torch.sigmoid(y) + 0.25


class GRUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.gru = nn.GRU(4, 6)
        self.head = nn.Sequential(nn.Linear(6, 6), nn.LeakyReLU(0.1), nn.Linear(6, 6), nn.ELU())
        self.out = nn.Linear(12, 5, bias=False)

    def forward(self, x):
        y, _ = self.gru(self.embed(x).unsqueeze(1))
        y = y.squeeze(1)
        z = torch.cat([torch.tanh(y) + self.head(y), y], dim=-1)
        return torch.log_softmax(self.out(z), dim=-1)


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 5)
        self.fc = nn.Linear(5, 4)

    def forward(self, x):
        y, _ = self.lstm(x)
        if bool(y.sum() > 0):
            y = -y
        return self.fc(y)


def save(name, net):
    """Without the debug information, which is most of an archive."""
    whole = io.BytesIO()
    torch.jit.save(net, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(os.path.join(HERE, name), "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), zipfile.ZIP_DEFLATED)


torch.manual_seed(11)
random = np.random.default_rng(11)
out = {}
for name, net, x in [
    ("lstm", LSTMNet(), torch.from_numpy(random.uniform(-1, 1, (1, 30, 3)).astype(np.float32))),
    ("gru", GRUNet(), torch.from_numpy(random.integers(0, 7, 30))),
]:
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.from_numpy(random.uniform(-1, 1, p.shape)))
        net.eval()
        save(f"script_{name}.pt", torch.jit.script(net))
        save(f"trace_{name}.pt", torch.jit.trace(net, x))
        x_ = x.double() if x.is_floating_point() else x
        out["x_" + name], out["y_" + name] = x.squeeze(0).numpy(), net.double()(x_).squeeze(0).numpy()
save("script_branch.pt", torch.jit.script(Branch().eval()))
np.savez_compressed(os.path.join(HERE, "torchscript.npz"), **out)
