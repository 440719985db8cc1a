"""Make formats/hub/: a module as PyTorchModelHubMixin of huggingface_hub saves it.

    pip install torch numpy safetensors huggingface_hub
    python make_hub.py     # writes into formats/hub/; the same numbers each time

config.json         the arguments of the module, of which the tensors do not tell two:
                    nonlinearity and layer_norm_eps
model.safetensors   the tensors
pytorch_model.bin   the same tensors by torch.save, as transformers wrote them before its version 5
model.yaml          the spec (written by hand, not here)
io.npz              x [50, 2], and y [50, 3] of the net in float64
"""

import os

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats", "hub")


class Net(nn.Module, PyTorchModelHubMixin):
    def __init__(self, input_size, hidden_size, num_classes, nonlinearity="tanh", layer_norm_eps=1e-5, dropout=0.0, sampling_rate=None):
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_size, 2, nonlinearity=nonlinearity, dropout=dropout)
        self.norm = nn.LayerNorm(hidden_size, eps=layer_norm_eps)
        self.head = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        return self.head(self.norm(self.rnn(x)[0]))


torch.manual_seed(13)
net = Net(2, 5, 3, nonlinearity="relu", layer_norm_eps=0.03, dropout=0.1, sampling_rate=16000).eval()
with torch.no_grad():
    for p in net.parameters():
        p.uniform_(-0.5, 0.5)
net.save_pretrained(HERE)
os.remove(os.path.join(HERE, "README.md"))  # a form to fill in
torch.save(net.state_dict(), os.path.join(HERE, "pytorch_model.bin"))
x = torch.rand(50, 1, 2) * 2 - 1
with torch.no_grad():
    y = net.double()(x.double())
np.savez_compressed(os.path.join(HERE, "io.npz"), x=x[:, 0].numpy(), y=y[:, 0].numpy())
