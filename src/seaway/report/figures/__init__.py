"""Charts as data -> SVG: no library, no script, no colour of their own; one kind to a file, and every figure says in words what it shows.

Values that are not finite are dropped, counted and mentioned; large data is aggregated, so that a figure stays a few kilobytes.
"""

from seaway.report.figures.bar_chart import bars
from seaway.report.figures.box_plot import boxes
from seaway.report.figures.calibration_curve import calibration
from seaway.report.figures.canvas import HALF, WIDE, standalone
from seaway.report.figures.curves import precision_recall, roc
from seaway.report.figures.distribution import binned, histogram
from seaway.report.figures.dot_plot import dots
from seaway.report.figures.events import Event
from seaway.report.figures.fan_chart import fan
from seaway.report.figures.importance_chart import importance
from seaway.report.figures.line_chart import Line, lines
from seaway.report.figures.matrix import association, confusion, differences
from seaway.report.figures.rows import Estimate, Interval
from seaway.report.figures.scatter_plot import predicted_vs_actual, residuals, scatter
from seaway.report.figures.spark import sparkline
from seaway.report.figures.waterfall_chart import waterfall

__all__ = [
    "HALF",
    "WIDE",
    "Estimate",
    "Event",
    "Interval",
    "Line",
    "association",
    "bars",
    "binned",
    "boxes",
    "calibration",
    "confusion",
    "differences",
    "dots",
    "fan",
    "histogram",
    "importance",
    "lines",
    "precision_recall",
    "predicted_vs_actual",
    "residuals",
    "roc",
    "scatter",
    "sparkline",
    "standalone",
    "waterfall",
]
