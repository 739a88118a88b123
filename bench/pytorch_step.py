"""Milliseconds of a training step of PyTorch, for bench/networks.ts: batch 256, windows of 64 x 120; `lstm` or `transformer`, `cpu` or `gpu`. Prints a JSON list."""
import json
import sys
import time

import torch
from torch import nn

STEPS, INPUTS, BATCH, WIDTH = 64, 120, 256, 64
torch.manual_seed(1)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, x):
        return self.head((torch.softmax(self.score(x), 1) * x).sum(1))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(INPUTS, WIDTH, 4, batch_first=True, dropout=0.1)
        self.pool = Pool()

    def forward(self, x):
        return self.pool(self.lstm(x)[0])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, 0.1, batch_first=True, norm_first=True)
        self.project = nn.Linear(INPUTS, WIDTH)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.pool = Pool()

    def forward(self, x):
        return self.pool(self.encoder(self.project(x)))


kind, device = sys.argv[1:]
device = 'cuda' if device == 'gpu' else device
model = (Lstm() if kind == 'lstm' else Transformer()).to(device)
optimiser = torch.optim.Adam(model.parameters(), 1e-3)
x, y = torch.randn(BATCH, STEPS, INPUTS), torch.randint(0, 2, (BATCH, 1)).float()
x, y = x.to(device), y.to(device)
times = []
for step in range(18):
    start = time.perf_counter()
    optimiser.zero_grad()
    nn.functional.binary_cross_entropy_with_logits(model(x), y).backward()
    optimiser.step()
    if device == 'cuda':
        torch.cuda.synchronize()
    if step >= 6:
        times.append((time.perf_counter() - start) * 1000)
print(json.dumps(times))
