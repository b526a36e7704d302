"""What a study records of its nets for TensorBoard, read back from its event files; laws 5 and 7 of it."""

import numpy as np
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from tensorboard_plugin_redundancy import schema

from tfredundancy.files import read_arrays
from tfredundancy.inspection.summaries import read_steps
from tfredundancy.lottery import Trainer, loop
from tfredundancy.lottery import study as module
from tfredundancy.lottery.ticket import unpack
from tfredundancy.runs import RunDirectory

T, K, LEVELS, EVERY = 12, 3, 2, 5
ARMS = ("rewind", "reinit", "finetune")
LOOKS = {  # T steps, then T − k or T a level: before the first, after the first of each level, at the end of each
    "dense": [0, 12],
    "rewind": [0, 12, 13, 21, 22, 30],
    "reinit": [0, 12, 13, 24, 25, 36],
    "finetune": [0, 12, 13, 21, 22, 30],
}
KINDS = ("esd", "angles", "angles_null", "pair_angles", "mask")


def studied(folder, model, data, monitor=True, checkpoint_every=3600.0):
    """Run a study in the folder, or go on with it."""
    plan = dict(steps=T, levels=LEVELS, keep=0.5, rewind_to=K, arms=ARMS, batch_size=20, evaluate_every=EVERY)
    with (
        RunDirectory.open(folder, "study", {"monitor": monitor}, facts={}) as run,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(loop, "Trainer", lambda *args, **options: Trainer(*args, **options, chunk=4, jit=False))
        patch.setattr(module, "_write_figures", lambda *_: None)
        options = dict(seeds=1, paper={}, command="", monitor=monitor, checkpoint_every=checkpoint_every)
        module.study(run, model, data, **options, **plan)
    return run.path


@pytest.fixture(scope="module")
def whole(few_digits, digits_net, tmp_path_factory):
    """Return the directory of a study that nothing stopped."""
    return studied(tmp_path_factory.mktemp("whole"), digits_net(noisy=False), few_digits)


def events(folder):
    """Read a TensorBoard run: {tag: [(step, bytes)]}."""
    found = EventAccumulator(str(folder), size_guidance={TENSORS: 0}).Reload()
    return {
        tag: [(each.step, make_ndarray(each.tensor_proto).tobytes()) for each in found.Tensors(tag)]
        for tag in found.Tags()["tensors"]
    }


def series(folder, layer, kind):
    """Read what is drawn of a layer: {step: (header, data)}."""
    found = EventAccumulator(str(folder), size_guidance={TENSORS: 0}).Reload().Tensors(schema.tag(layer, kind))
    return {each.step: schema.decode(kind, make_ndarray(each.tensor_proto)) for each in found}


@pytest.mark.parametrize("arm", LOOKS)
def test_every_kind_is_recorded_at_both_ends_of_every_level(whole, arm):
    folder = whole / "events" / f"seed0-{arm}"
    steps = read_steps(folder)
    assert steps == sorted(set(steps)) and set(LOOKS[arm]) < set(steps)
    for layer in ("hidden/kernel", "logits/kernel"):
        for kind in KINDS:
            assert list(series(folder, layer, kind)) == LOOKS[arm], kind
        scalars = events(folder)[f"stable_rank/{layer}"]
        assert [step for step, _ in scalars] == LOOKS[arm]


@pytest.mark.parametrize("arm", ARMS)
def test_survivors_are_counted_by_unit_from_the_first_level_on(whole, arm):
    found = series(whole / "events" / f"seed0-{arm}", "hidden/kernel", "survival")
    assert list(found) == LOOKS[arm][2:]
    for level in (1, 2):
        kept = read_arrays(whole / "checkpoints" / "seed0" / f"level-{level:02d}-{arm}.npz")["masks/hidden/kernel"]
        for step in LOOKS[arm][2 * level : 2 * level + 2]:
            header, counts = found[step]
            np.testing.assert_array_equal(counts, kept.sum(axis=0))
            assert header["kept"] == kept.sum()
        mask = series(whole / "events" / f"seed0-{arm}", "hidden/kernel", "mask")[step][1]
        np.testing.assert_array_equal(mask, kept.any(axis=0))


def test_what_is_drawn_is_the_trained_net(whole):
    for arm, level in (("rewind", 1), ("rewind", 2), ("finetune", 2)):
        arrays = read_arrays(whole / "checkpoints" / "seed0" / f"level-{level:02d}-{arm}.npz")
        kernel = unpack(arrays, "end/").variables["hidden/kernel"]
        header, eigenvalues = series(whole / "events" / f"seed0-{arm}", "hidden/kernel", "esd")[
            LOOKS[arm][2 * level + 1]
        ]
        kernel = kernel[kernel.any(axis=1)].astype(np.float64)
        expected = np.linalg.svd(kernel, compute_uv=False) ** 2 / max(kernel.shape)
        np.testing.assert_allclose(np.sort(eigenvalues), np.sort(expected), rtol=1e-4, atol=1e-7)
        assert header["n_total"] == min(kernel.shape)


def test_the_dense_net_is_the_beginning_of_every_arm(whole):
    dense = events(whole / "events" / "seed0-dense")
    for arm in ARMS:
        found = events(whole / "events" / f"seed0-{arm}")
        for tag, told in dense.items():
            assert found[tag][: len(told)] == told, tag


def test_a_level_is_told_with_its_looks(whole):
    found = EventAccumulator(str(whole / "events" / "seed0-rewind"), size_guidance={TENSORS: 0}).Reload()
    told = {each.step: float(make_ndarray(each.tensor_proto)) for each in found.Tensors("level")}
    assert [told[step] for step in LOOKS["rewind"]] == [0, 0, 1, 1, 2, 2]


def test_killed_beside_a_write_is_never_killed(whole, few_digits, digits_net, tmp_path):
    """Each process writes three checkpoints or finished trainings and dies, by turns before the next and right after the last."""
    write, model, deaths = loop.write_arrays, digits_net(noisy=False), 0

    def mortal(*args):
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        write(*args)
        left -= 1
        if left == 0 and deaths % 2:
            raise KeyboardInterrupt

    while True:
        left = 3
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "write_arrays", mortal)
            try:
                folder = studied(tmp_path, model, few_digits, checkpoint_every=0.0)
                break
            except KeyboardInterrupt:
                deaths += 1
    assert deaths > 5
    names = {path.name for path in (whole / "events").iterdir()}
    assert names == {path.name for path in (folder / "events").iterdir()} == {f"seed0-{arm}" for arm in LOOKS}
    for name in names:
        steps = read_steps(folder / "events" / name)
        assert steps == sorted(set(steps))
        assert events(folder / "events" / name) == events(whole / "events" / name)
    assert (folder / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()


def test_measuring_changes_no_result(whole, few_digits, digits_net, tmp_path):
    """But for the rounding of a mean loss, whose sum is taken in other parts."""
    folder = studied(tmp_path, digits_net(noisy=False), few_digits, monitor=False)
    for name in ("results.csv", "curves.csv", "layers.csv"):
        ours, others = pd.read_csv(whole / name), pd.read_csv(folder / name)
        if name != "layers.csv":
            np.testing.assert_allclose(ours.pop("train_loss"), others.pop("train_loss"), rtol=1e-6)
        pd.testing.assert_frame_equal(ours, others, check_exact=True)
    assert not [tag for tag in events(folder / "events" / "seed0-rewind") if "/" in tag]


def test_a_study_that_is_finished_measures_nothing(whole, few_digits, digits_net, monkeypatch):
    monkeypatch.setattr(module, "records", None)
    before = read_steps(whole / "events" / "seed0-rewind")
    studied(whole.parents[1], digits_net(noisy=False), few_digits)
    assert read_steps(whole / "events" / "seed0-rewind") == before
