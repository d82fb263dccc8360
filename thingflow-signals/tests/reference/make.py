"""Writes what SciPy, pandas and FilterPy make of a series: one column each, in `signals.csv`; spectra in `spectrum.csv`.

    pip install numpy scipy pandas filterpy && python make.py
"""

import numpy as np
import pandas as pd
from filterpy.kalman import KalmanFilter
from scipy import interpolate, signal

RATE = 100.0
LENGTH = 200
rng = np.random.default_rng(7)
t = np.arange(LENGTH) / RATE
x = np.round(20 + 3 * np.sin(2 * np.pi * 3 * t) + rng.normal(0, 0.8, LENGTH), 6)


def kalman(dim_x, f, h, q, r, p):
    kf = KalmanFilter(dim_x=dim_x, dim_z=1)
    kf.F, kf.H, kf.Q, kf.R, kf.P = map(np.array, (f, h, q, r, p))
    kf.x = np.array([[x[0]]] + [[0.0]] * (dim_x - 1))
    out = [kf.x[:, 0].copy()]
    for z in x[1:]:
        kf.predict()
        kf.update(z)
        out.append(kf.x[:, 0].copy())
    return np.array(out)


dt = 1 / RATE
walk = kalman(1, [[1.0]], [[1.0]], [[0.5**2 * dt]], [[0.64]], [[0.64]])
q = 2.0**2
steady = kalman(
    2,
    [[1.0, dt], [0.0, 1.0]],
    [[1.0, 0.0]],
    [[q * dt**3 / 3, q * dt**2 / 2], [q * dt**2 / 2, q * dt]],
    [[0.64]],
    [[0.64, 0.0], [0.0, 0.64e6]],
)
ewm = pd.Series(x).ewm(alpha=0.1, adjust=False)
taps = signal.firwin(31, 10.0, fs=RATE, window="hamming")
columns = {
    "x": x,
    "butter_low_1": signal.sosfilt(signal.butter(1, 10.0, "low", fs=RATE, output="sos"), x),
    "butter_low_2": signal.sosfilt(signal.butter(2, 10.0, "low", fs=RATE, output="sos"), x),
    "butter_low_5": signal.sosfilt(signal.butter(5, 10.0, "low", fs=RATE, output="sos"), x),
    "butter_high_4": signal.sosfilt(signal.butter(4, 2.0, "high", fs=RATE, output="sos"), x),
    "firwin": signal.lfilter(taps, 1.0, x),
    "savgol": signal.savgol_filter(x, 11, 2),
    "savgol_slope": signal.savgol_filter(x, 11, 2, deriv=1, delta=1 / RATE),
    "medfilt": signal.medfilt(x, 5),
    "kalman_walk": walk[:, 0],
    "kalman_steady": steady[:, 0],
    "kalman_rate": steady[:, 1],
    "ewm_mean": ewm.mean(),
    "ewm_var": ewm.var(bias=True),
}
pd.DataFrame(columns).to_csv("signals.csv", index=False, float_format="%.12g")

spectra = {}
for taper in ("boxcar", "hann", "hamming", "blackman", "flattop"):
    hertz, spectra[taper] = signal.periodogram(x, RATE, taper, detrend="constant")
pd.DataFrame({"hertz": hertz, **spectra}).to_csv("spectrum.csv", index=False, float_format="%.12g")

uneven = np.array([0.0, 0.7, 1.1, 2.6, 3.0, 4.9, 5.2, 7.4])
values = np.array([1.0, 4.0, 4.5, 4.5, 2.0, 9.0, 8.0, 8.5])
grid = np.arange(0.0, 7.5, 0.5)
pchip = interpolate.PchipInterpolator(uneven, values)(grid)
pd.DataFrame({"seconds": grid, "value": pchip}).to_csv("pchip.csv", index=False, float_format="%.12g")

# Peaks: for each set of options the place and the prominence of each.
rough = np.round(x, 1)  # with flat tops
rows = []
for name, series in (("x", x), ("rough", rough)):
    for height in (None, 21.0, 22.5):
        # Which of two equal peaks stays, SciPy leaves open: flat tops without a distance.
        for distance in (None, 4, 17) if name == "x" else (None,):
            for prominence in (0.0, 1.5):
                found, about = signal.find_peaks(series, height=height, distance=distance, prominence=prominence)
                for at, stands_out in zip(found, about["prominences"]):
                    rows.append([name, height or "", distance or "", prominence, at, stands_out])
frame = pd.DataFrame(rows, columns=["series", "height", "distance", "prominence", "index", "stands_out"])
frame.to_csv("peaks.csv", index=False, float_format="%.12g")
