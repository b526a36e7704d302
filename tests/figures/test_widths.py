"""Data drawn == data given, read back from the figure."""

import pandas as pd
import pytest

from tfredundancy.figures.widths import widths_by_layer


def test_bars_are_the_widths_and_numbers_say_them():
    table = pd.DataFrame({"layer": ["a", "b", "c"], "before": [16, 32, 10], "after": [8, 32, 1]})
    (axes,) = widths_by_layer(table, title="net").axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [16, 32, 10, 8, 32, 1]
    assert [text.get_text() for text in axes.texts] == ["8 of 16", "32", "1 of 10"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert axes.yaxis_inverted() and axes.get_title(loc="left") == "net"


def test_many_layers_have_no_room_for_names():
    table = pd.DataFrame({"layer": [f"layer{i}" for i in range(60)], "before": 8, "after": 4})
    (axes,) = widths_by_layer(table).axes
    assert len(axes.patches) == 120 and not axes.texts and "counted" in axes.get_ylabel()


def test_numbers_stay_inside():
    table = pd.DataFrame({"layer": ["a"], "before": [2048], "after": [1024]})
    figure = widths_by_layer(table)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert axes.texts[0].get_window_extent().x1 <= axes.get_window_extent().x1


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="`table` must have columns layer, before, after.*none named after"):
        widths_by_layer(pd.DataFrame({"layer": ["a"], "before": [1]}))
