"""Computes the values that `tests/reference.rs` compares with: python3 values.py

Needs numpy, pandas and statsmodels. The series is the weekly carbon dioxide at Mauna Loa (Keeling and Whorf 2004, public domain,
part of statsmodels), in which readings are missing: its first 130 weeks. A NaN is written as `nan`.
"""

import csv
import pathlib

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.regression.rolling import RollingOLS

HERE = pathlib.Path(__file__).parent
N = 12

co2 = sm.datasets.co2.load_pandas().data["co2"].iloc[:130]
days = pd.Series(np.arange(len(co2)) * 7.0, index=co2.index)
rolling, ewm = co2.rolling(N, min_periods=1), co2.ewm(span=9, ignore_na=True)
columns = {
    "day": days,
    "co2": co2,
    "sum": rolling.sum(),
    "mean": rolling.mean(),
    "var": rolling.var(),
    "std": rolling.std(),
    "var_of_all": rolling.var(ddof=0),
    "min": rolling.min(),
    "max": rolling.max(),
    "median": rolling.median(),
    "quantile": rolling.quantile(0.9),
    "running_mean": co2.expanding().mean(),
    "running_var": co2.expanding().var(),
    "ewma": co2.ewm(span=9, ignore_na=True, adjust=False).mean(),
    "ewma_corrected": ewm.mean(),
    "ewm_variance": ewm.var(),
    "half_life": co2.ewm(halflife=4, ignore_na=True, adjust=False).mean(),
    "center_of_mass": co2.ewm(com=4, ignore_na=True, adjust=False).mean(),
}
frame = pd.DataFrame(columns)
frame.to_csv(HERE / "co2.csv", index=False, na_rep="nan", float_format="%.13g")

# The readings that there are, which do not come evenly: pairs with the one before, times, a line through the last twelve.
there = frame[["day", "co2"]].dropna().reset_index(drop=True)
y, x, before = there["co2"], there["day"], there["co2"].shift(1)
times = pd.Timestamp("2000-01-01") + pd.to_timedelta(x, unit="D")
line = RollingOLS(y, sm.add_constant(x), window=N).fit()
area = np.concatenate([[0.0], np.cumsum((y.values[1:] + y.values[:-1]) / 2 * np.diff(x.values))])
pairs = pd.DataFrame(
    {
        "day": x,
        "co2": y,
        "cov": y.rolling(N).cov(before),
        "corr": y.rolling(N).corr(before),
        "slope": line.params["day"],
        "slope_error": line.bse["day"],
        "integral": area,
        "by_time": y.ewm(halflife="30 days", times=times).mean(),
        "increase": np.cumsum(np.maximum(y.diff().fillna(0), 0) + np.where(y.diff() < 0, y, 0)),
    }
)
pairs.to_csv(HERE / "co2_uneven.csv", index=False, na_rep="nan", float_format="%.13g", quoting=csv.QUOTE_NONE)
