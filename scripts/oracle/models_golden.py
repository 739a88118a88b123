"""Golden values for libs/models from scikit-learn and LightGBM: writes libs/models/golden/models.json.

Run once, by hand: python3 scripts/oracle/models_golden.py (needs numpy, scikit-learn, lightgbm).
The rows come from a MINSTD generator that the test repeats.
"""
import json
import pathlib

import lightgbm
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

ROWS, TRAIN, WIDTH = 6000, 4000, 8
state = 20230301


def uniform():
    global state
    state = state * 48271 % 2147483647
    return state / 2147483647


x = np.empty((ROWS, WIDTH), dtype=np.float32)
up = np.empty(ROWS, dtype=int)
for i in range(ROWS):
    row = [uniform() * 2 - 1 for _ in range(WIDTH)]
    # A line, a product, and a column whose absence tells.
    score = 1.5 * row[0] - row[1] + 3 * row[2] * row[3] + (1 if row[4] > 0.6 else 0)
    up[i] = uniform() < 1 / (1 + np.exp(-score))
    x[i] = row
    if row[4] > 0.6:
        x[i, 4] = np.nan

train, test = slice(0, TRAIN), slice(TRAIN, ROWS)
full = np.nan_to_num(x[:, [0, 1, 2, 3, 5, 6, 7]])
scaler = StandardScaler().fit(full[train])
scaled = np.clip(scaler.transform(full), -4, 4)
linear = LogisticRegression(C=0.05, tol=1e-8, max_iter=1000).fit(scaled[train], up[train])
forest = lightgbm.LGBMClassifier(n_estimators=150, learning_rate=0.08, num_leaves=15, min_child_samples=40, subsample=0.7, subsample_freq=1,
                                 colsample_bytree=0.6, reg_lambda=5, max_bin=63, verbose=-1, random_state=1, n_jobs=1).fit(x[train], up[train])
golden = {
    'versions': {'scikit-learn': sklearn.__version__, 'lightgbm': lightgbm.__version__},
    'ups': int(up.sum()),
    'logistic': {'weights': linear.coef_[0].tolist(), 'intercept': float(linear.intercept_[0]),
                 'auc': float(roc_auc_score(up[test], linear.predict_proba(scaled[test])[:, 1]))},
    'forest': {'auc': float(roc_auc_score(up[test], forest.predict_proba(x[test])[:, 1]))},
}
path = pathlib.Path(__file__).parents[2] / 'libs/models/golden/models.json'
path.write_text(json.dumps(golden, indent=2) + '\n')
