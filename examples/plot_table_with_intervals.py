"""
From a raw table to intervals
=============================

Text, a date and missing cells are passed as they are. ``predict_interval`` gives a range for each row, which contains
the truth in nine of ten cases. How often it really does is counted on rows that the model has not seen.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from glassnet import TabularRegressor

rng = np.random.default_rng(0)
rows = 1200
table = pd.DataFrame(
    {
        "area": rng.uniform(30, 200, rows).round(),
        "district": rng.choice(["north", "south", "old town"], rows),
        "sold": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, rows), "D"),
    }
)
worth = table["area"] * table["district"].map({"north": 2.0, "south": 2.6, "old town": 4.1})
price = (worth * (1 + table["sold"].dt.year.sub(2020) * 0.05) * rng.lognormal(0, 0.15, rows)).round(1)
table.loc[rng.random(rows) < 0.05, "area"] = np.nan
train, test = slice(0, 1000), slice(1000, rows)
model = TabularRegressor(preset="fast", random_state=0).fit(table[train], price[train])
print(model.report_)

# %%
low, high = model.predict_interval(table[test], coverage=0.9).T
truth = price[test].to_numpy()
print(f"{((truth >= low) & (truth <= high)).mean():.0%} of {len(truth)} rows lie in their interval")
order = np.argsort(model.predict(table[test]))
figure, axes = plt.subplots(layout="constrained")
axes.fill_between(range(len(order)), low[order], high[order], alpha=0.3, label="interval, 90 %")
axes.plot(truth[order], ".", label="price")
axes.set(xlabel="rows, by predicted price", ylabel="price")
_ = axes.legend()
