"""The loop of levels and arms: who starts from what, with which mask, for how long; and laws 4 and 5."""

import functools
import math
import shutil
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tfredundancy import files, masks, prune_weights
from tfredundancy.datasets import Splits
from tfredundancy.errors import DamagedFileError, DivergedError
from tfredundancy.files import read_arrays
from tfredundancy.lottery import ARMS, Observer, Ticket, Trainer, levels, loop, steps_in_all
from tfredundancy.lottery.arms import DENSE, Steps
from tfredundancy.lottery.training import Evaluation

T, K, LEVELS, KEEP = 24, 6, 2, 0.5
PLAN = {
    "steps": T,
    "levels": LEVELS,
    "keep": KEEP,
    "rewind_to": K,
    "batch_size": 20,
    "evaluate_every": 8,
    "arms": tuple(ARMS),
}
KERNELS = {"hidden/kernel": 768, "logits/kernel": 120}
SCHEDULE = keras.optimizers.schedules.PiecewiseConstantDecay([11, 19], [0.1, 0.05, 0.025])


class Watch(Observer):
    """Remembers what it is told."""

    def __init__(self):
        self.texts, self.steps, self.histories = [], 0, {}

    def advance(self, steps, text):
        self.texts.append(text)
        self.steps += steps

    def history(self, seed, arm, rows):
        self.histories[seed, arm] = rows


def watched(monkeypatch, **overrides):
    """Let the loop use trainers that write down every call, and compile faster without XLA."""
    seen = SimpleNamespace(calls=[], ends=[], trainers=[])

    class Watched(Trainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs, chunk=5, jit=False)  # shorter than between evaluations
            seen.trainers.append(self)

        def run(self, start, stop, seed, rate):
            state = Ticket.take(self.model), masks(self.model)
            rates = np.asarray(rate(np.arange(start, stop)), np.float32)
            seen.calls.append(
                SimpleNamespace(start=start, stop=stop, seed=seed, rates=rates, ticket=state[0], masks=state[1])
            )
            return super().run(start, stop, seed, rate)

        def finish(self):
            super().finish()
            seen.ends.append(Ticket.take(self.model))

    for name, function in overrides.items():
        setattr(Watched, name, function)
    monkeypatch.setattr(loop, "Trainer", Watched)
    return seen


@pytest.fixture
def quick(monkeypatch):
    """Return what the trainers of this test have been asked to do."""
    return watched(monkeypatch)


@pytest.fixture(scope="module")
def experiment(few_digits, digits_net, tmp_path_factory):
    """Return an uninterrupted experiment with every arm: records, what its trainers did, what its observer heard."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        seen, watch = watched(monkeypatch), Watch()
        folder = tmp_path_factory.mktemp("experiment")
        model = digits_net(keras.optimizers.SGD(SCHEDULE, momentum=0.9))
        records = list(levels(model, few_digits, seed=range(2), directory=folder, observer=watch, **PLAN))
    trainings = {}
    for text, call in zip(watch.texts, seen.calls, strict=True):
        _, seed, _, level, arm = text.split()
        trainings.setdefault((int(seed), int(level), arm), SimpleNamespace(calls=[])).calls.append(call)
    for training, end, record in zip(trainings.values(), seen.ends, records, strict=True):
        training.begin, training.end, training.record = training.calls[0], end, record
    return SimpleNamespace(records=records, trainings=trainings, seen=seen, watch=watch, folder=folder)


def each(experiment, *arms):
    """(arm, training, key) of these arms at levels 1 and 2 of both seeds."""
    for (seed, level, arm), training in experiment.trainings.items():
        if arm in arms:
            yield arm, training, (seed, level)


def masked(variables, kept):
    return {path: np.where(kept[path], value, 0) if path in kept else value for path, value in variables.items()}


def at_k(experiment, seed):
    return next(call.ticket for call in experiment.trainings[seed, 0, "dense"].calls if call.start == K)


# records


def test_records_come_level_by_level_with_the_steps_of_the_arms(experiment):
    plan, expected = Steps(T, K), []
    for seed in range(2):
        expected.append((seed, 0, "dense", T, T))
        for level in range(1, LEVELS + 1):
            for arm in ARMS.values():
                steps = arm.ends(level, plan) - arm.begins(level, plan)
                expected.append((seed, level, arm.name, steps, arm.total_steps(level, plan)))
    assert [(r.seed, r.level, r.arm, r.steps, r.total_steps) for r in experiment.records] == expected


def test_the_steps_are_really_trained_with_the_seed_s_data(experiment):
    plan = Steps(T, K)
    for (seed, level, name), training in experiment.trainings.items():
        arm = ARMS.get(name, DENSE)
        steps = [step for call in training.calls for step in range(call.start, call.stop)]
        assert steps == list(range(arm.begins(level, plan), arm.ends(level, plan)))
        assert {call.seed for call in training.calls} == {seed}
        assert all(call.ticket.step == call.start for call in training.calls)


def test_progress_adds_up(experiment):
    assert (
        experiment.watch.steps
        == 2 * steps_in_all(T, LEVELS, K, PLAN["arms"])
        == sum(r.steps for r in experiment.records)
    )


def test_one_trace_for_every_level_arm_and_seed(experiment):
    (trainer,) = experiment.seen.trainers
    assert trainer.traces == 1


def test_densities_are_exact(experiment):
    for record in experiment.records:
        kept = {path: record.layers[path] * size for path, size in KERNELS.items()}
        assert sum(kept.values()) == pytest.approx(math.floor(KEEP**record.level * 888 + 0.5), abs=1e-6)
        assert record.density == pytest.approx(sum(kept.values()) / 888)


def test_curves_have_a_row_at_the_beginning_at_every_evaluation_and_at_the_end(experiment):
    for record in experiment.records:
        steps = [row["step"] for row in record.curve]
        begin, end = steps[0], steps[0] + record.steps
        assert steps == [begin, *(s for s in range(begin + 1, end) if s % 8 == 0), end]
        assert record.curve[0]["train_loss"] is None and all(row["train_loss"] > 0 for row in record.curve[1:])


def test_results_are_those_of_the_curve_s_end_and_of_its_first_minimum(experiment):
    for record in experiment.records:
        losses = [row["validation_loss"] for row in record.curve]
        best, last = record.curve[losses.index(min(losses))], record.curve[-1]
        assert (record.validation_loss, record.validation_accuracy) == (
            last["validation_loss"],
            last["validation_accuracy"],
        )
        assert record.train_loss == last["train_loss"]
        assert record.early_validation_loss == best["validation_loss"]
        trained_before = best["step"] - record.curve[0]["step"]
        rewound = record.arm in ("rewind", "lr_rewind", "finetune", "shuffle", "inverted")
        assert record.early_step == trained_before + (K if rewound else 0)
        assert record.early_validation_accuracy == best["validation_accuracy"]


# masks


def naive_masks(weights, before, count, sign=1):
    """Sort all kept weights of both kernels by magnitude; keep the first `count`."""
    entries = [
        (-sign * abs(float(value)), path, place)
        for path in KERNELS
        for place, (value, kept) in enumerate(zip(weights[path].ravel(), before[path].ravel(), strict=True))
        if kept
    ]
    chosen = {path: np.zeros(size, bool) for path, size in KERNELS.items()}
    for _, path, place in sorted(entries, key=lambda entry: entry[0])[:count]:
        chosen[path][place] = True
    return {path: mask.reshape(before[path].shape) for path, mask in chosen.items()}


@pytest.mark.parametrize("arm", ["rewind", "rewind0", "lr_rewind", "finetune", "inverted"])
def test_masks_of_its_own_are_chosen_from_its_own_last_net(experiment, equal_arrays, arm):
    for _, training, (seed, level) in each(experiment, arm):
        last = experiment.trainings[seed, level - 1, arm if level > 1 else "dense"]
        count, sign = math.floor(KEEP**level * 888 + 0.5), -1 if arm == "inverted" else 1
        assert equal_arrays(training.begin.masks, naive_masks(last.end.variables, last.begin.masks, count, sign))


def test_borrowed_masks_are_the_ticket_s_or_as_many_in_each_layer(experiment, equal_arrays):
    for arm, training, (seed, level) in each(experiment, "reinit", "reinit_total", "shuffle", "random"):
        ticket = experiment.trainings[seed, level, "rewind"].begin.masks
        if arm.startswith("reinit"):
            assert equal_arrays(training.begin.masks, ticket)
        else:
            assert all(mask.sum() == ticket[path].sum() for path, mask in training.begin.masks.items())
            assert not any(np.array_equal(mask, ticket[path]) for path, mask in training.begin.masks.items())


def test_every_draw_of_a_mask_is_another(experiment):
    drawn = [t.begin.masks["hidden/kernel"].tobytes() for _, t, _ in each(experiment, "shuffle", "random")]
    assert len(set(drawn)) == len(drawn) == 8


def test_masks_stay_while_a_net_trains(experiment, equal_arrays):
    for training in experiment.trainings.values():
        assert all(equal_arrays(call.masks, training.begin.masks) for call in training.calls)
        for call in training.calls:
            assert all(not call.ticket.variables[path][~kept].any() for path, kept in call.masks.items())


# starting points


def test_rewound_nets_start_from_the_ticket_under_their_mask(experiment, equal_arrays):
    for _, training, (seed, _) in each(experiment, "rewind", "shuffle", "inverted"):
        begin, ticket = training.begin, at_k(experiment, seed)
        assert equal_arrays(begin.ticket.variables, masked(ticket.variables, begin.masks))
        assert begin.ticket.step == K and ticket.variables["bn/moving_mean"].any()
    for _, training, (seed, _) in each(experiment, "rewind0"):
        start = experiment.trainings[seed, 0, "dense"].begin.ticket
        assert equal_arrays(training.begin.ticket.variables, masked(start.variables, training.begin.masks))


def test_momenta_are_rewound_and_masked_too(experiment):
    for arm, training, (seed, level) in each(experiment, "rewind", "rewind0", "lr_rewind"):
        last = experiment.trainings[seed, level - 1, "lr_rewind" if level > 1 else "dense"].end
        source = {"rewind": at_k(experiment, seed), "lr_rewind": last}.get(arm)
        slots = training.begin.ticket.optimizer[2:]  # after the step and the rate
        zeros = [not slot.any() for slot in slots]
        if source is None:
            assert all(zeros)
            continue
        kept = training.begin.masks["hidden/kernel"]
        assert slots[0].shape == kept.shape and slots[0][kept].any()
        np.testing.assert_array_equal(slots[0], np.where(kept, source.optimizer[2], 0))


def test_nets_that_go_on_start_from_their_last_net(experiment, equal_arrays):
    for arm, training, (seed, level) in each(experiment, "lr_rewind", "finetune"):
        last = experiment.trainings[seed, level - 1, arm if level > 1 else "dense"].end
        assert equal_arrays(training.begin.ticket.variables, masked(last.variables, training.begin.masks))
        assert training.begin.ticket.step == (K if arm == "lr_rewind" else T + (level - 1) * (T - K))


def test_fresh_nets_have_weights_of_their_own_every_time(experiment):
    kernels = {}
    for arm, training, (seed, level) in each(experiment, "reinit", "reinit_total", "random"):
        variables, start = training.begin.ticket.variables, experiment.trainings[seed, 0, "dense"].begin.ticket
        kept = training.begin.masks["hidden/kernel"]
        kernels[arm, seed, level] = variables["hidden/kernel"]
        assert not (variables["hidden/kernel"] == start.variables["hidden/kernel"])[kept].any()
        assert not variables["hidden/kernel"][~kept].any()
        frozen = [path for path in variables if "moving" in path or "seed" in path]
        assert len(frozen) == 3 and all(np.array_equal(variables[path], start.variables[path]) for path in frozen)
        assert not any(slot.any() for slot in training.begin.ticket.optimizer[2:])
    names = list(kernels)
    for i, one in enumerate(names):
        for other in names[:i]:
            both = (kernels[one] != 0) & (kernels[other] != 0)
            assert both.any() and not (kernels[one] == kernels[other])[both].any()


def test_every_random_state_of_a_layer_belongs_to_the_seed():
    states = {f"noise/seed_generator_state{number}": np.zeros(2, "uint32") for number in ("", "#2")}
    drawn = [loop._layers_seeded(Ticket(states, None), seed).variables for seed in (0, 0, 1)]
    for path in states:
        assert np.array_equal(drawn[0][path], drawn[1][path]) and not np.array_equal(drawn[0][path], drawn[2][path])
        assert drawn[0][path].any()


def test_seeds_draw_other_weights_data_and_dropout(experiment):
    one, other = (experiment.trainings[seed, 0, "dense"].begin for seed in range(2))
    for path in ("hidden/kernel", "logits/kernel", "dropout/seed_generator_state"):
        assert not np.array_equal(one.ticket.variables[path], other.ticket.variables[path])
    assert (one.seed, other.seed) == (0, 1)


# learning rates


def test_the_schedule_is_followed_and_stretched_for_equal_totals(experiment):
    for (_, level, arm), training in experiment.trainings.items():
        rates = np.concatenate([call.rates for call in training.calls])
        steps = np.concatenate([np.arange(call.start, call.stop) for call in training.calls])
        if arm == "reinit_total":
            steps = steps * T // (T + level * (T - K))
        expected = [float(SCHEDULE(int(min(step, T - 1)))) for step in steps]
        np.testing.assert_array_equal(rates, np.float32(expected))
        assert len(set(expected)) == (1 if arm == "finetune" else 3)


def test_fine_tuning_keeps_the_last_rate_even_of_a_schedule_that_ends_at_zero(few_digits, digits_net, quick):
    cosine = keras.optimizers.schedules.CosineDecay(0.1, T)
    plan = PLAN | {"arms": ["finetune"], "levels": 1}
    list(levels(digits_net(keras.optimizers.SGD(cosine)), few_digits, **plan))
    assert set(np.concatenate([c.rates for c in quick.calls if c.start >= T])) == {np.float32(cosine(T - 1))}


def loss_scaled(rate):
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate, momentum=0.9), initial_scale=4.0)


def test_an_optimizer_with_loss_scaling_follows_the_schedule_and_has_a_step_to_rewind(
    few_digits, digits_net, quick, experiment
):
    plan = PLAN | {"arms": ["lr_rewind", "finetune"], "levels": 1}
    records = list(levels(digits_net(loss_scaled(SCHEDULE)), few_digits, **plan))
    plain = [
        r for r in experiment.records if r.seed == 0 and r.level < 2 and r.arm in ("dense", "lr_rewind", "finetune")
    ]
    for found, expected in zip(records, plain, strict=True):
        assert found.validation_loss == pytest.approx(expected.validation_loss, rel=1e-4)
    assert all(call.ticket.step == call.start for call in quick.calls)


def test_what_is_excluded_from_weight_decay_stays_so(few_digits, digits_net, quick):
    def decaying(rate):
        optimizer = keras.optimizers.SGD(rate, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_names=["kernel"])
        return optimizer

    plan = PLAN | {"levels": 0}
    ends = []
    for optimizer in (decaying(SCHEDULE), decaying(0.1), keras.optimizers.SGD(SCHEDULE, weight_decay=0.5)):
        list(levels(digits_net(optimizer), few_digits, **plan))
        ends.append(np.linalg.norm(quick.ends[-1].variables["hidden/kernel"]))
    assert ends[0] == pytest.approx(ends[1], rel=0.05) and ends[2] < 0.8 * ends[0]


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
        lambda: keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1), {})),
    ],
    ids=["accumulation", "several"],
)
def test_an_optimizer_without_one_step_counter_is_refused_before_anything_is_trained(
    few_digits, digits_net, quick, optimizer
):
    with pytest.raises(ValueError, match="no step counter that could be set|Received: several rates"):
        list(levels(digits_net(optimizer()), few_digits, **PLAN | {"arms": ["finetune"]}))
    assert not quick.ends


# history


def test_history_counts_the_steps_of_an_arm_since_level_0(experiment):
    for seed in range(2):
        assert [step for step, _ in experiment.watch.histories[seed, "dense"]] == [0, 8, 16, 24]
        for arm in ARMS:
            expected, offset = [], 0
            for level, name in ((0, "dense"), *((level, arm) for level in range(1, LEVELS + 1))):
                record = experiment.trainings[seed, level, name].record
                begin = record.curve[0]["step"]
                rows = [row for row in record.curve if level == 0 or row is not record.curve[0]]
                expected += [(offset + row["step"] - begin, row, level, record.density) for row in rows]
                offset += record.steps
            told = experiment.watch.histories[seed, arm]
            assert (
                [step for step, _ in told] == sorted({step for step, *_ in expected}) == [step for step, *_ in expected]
            )
            for (_, tags), (_, row, level, density) in zip(told, expected, strict=True):
                scalars = {name: value for name, value in row.items() if name != "step" and value is not None}
                assert tags == scalars | {"level": level, "density": density}


# laws


def test_law_4_a_rewound_run_under_a_mask_of_ones_is_the_first_run(few_digits, digits_net, quick, equal_arrays):
    model = digits_net(keras.optimizers.Adam(SCHEDULE, use_ema=True))
    plan = PLAN | {"keep": 1.0, "levels": 1, "arms": ["rewind", "rewind0"]}
    dense, *others = levels(model, few_digits, **plan)
    for record, end in zip(others, quick.ends[1:], strict=True):
        for found, expected in zip(record.curve[1:], dense.curve[1:], strict=True):
            assert found | {"train_loss": 0} == expected | {"train_loss": 0}
        assert record.curve[2:] == dense.curve[2:]  # the train_loss before covers the steps before k, too
        assert (record.test_accuracy, record.early_test_accuracy) == (dense.test_accuracy, dense.early_test_accuracy)
        assert equal_arrays(end.variables, quick.ends[0].variables)
        assert all(np.array_equal(a, b) for a, b in zip(end.optimizer, quick.ends[0].optimizer, strict=True))


class Killed(BaseException):
    """What a SIGKILL is to a process."""


def kill_after(monkeypatch, moments):
    """Count the moments at which a process could be killed, and die at the given one."""
    left = [moments]

    def before(function):
        @functools.wraps(function)
        def mortal(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return function(*args, **kwargs)

        return mortal

    seen = watched(monkeypatch, run=before(Trainer.run), evaluate=before(Trainer.evaluate))
    monkeypatch.setattr(files.os, "replace", before(files.os.replace))
    monkeypatch.setattr(Watch, "advance", before(Watch.advance))
    monkeypatch.setattr(Watch, "history", before(Watch.history))
    return seen, left


def test_law_5_killed_anywhere_and_started_again_is_never_killed(
    few_digits, digits_net, experiment, tmp_path, equal_arrays
):
    draw, kills = np.random.default_rng(5), 0
    while True:
        assert kills < 40
        with pytest.MonkeyPatch.context() as monkeypatch:
            kill_after(monkeypatch, int(draw.integers(30, 120)) if kills < 6 else 10**6)
            watch = Watch()
            model = digits_net(keras.optimizers.SGD(SCHEDULE, momentum=0.9))
            run = levels(model, few_digits, seed=0, directory=tmp_path, observer=watch, checkpoint_every=0.0, **PLAN)
            try:
                records = list(run)
                break
            except Killed:
                kills += 1
    assert kills >= 4
    assert records == [record for record in experiment.records if record.seed == 0]
    assert watch.histories == {key: rows for key, rows in experiment.watch.histories.items() if key[0] == 0}
    assert watch.steps == steps_in_all(T, LEVELS, K, PLAN["arms"])
    for file in (experiment.folder / "seed0").glob("level-*.npz"):
        expected, found = read_arrays(file), read_arrays(tmp_path / "seed0" / file.name)
        assert equal_arrays({**expected, "record": 0}, {**found, "record": 0})  # the record holds clock times


def test_law_5_the_best_net_so_far_survives_a_kill(few_digits, digits_net, tmp_path):
    plan = PLAN | {"levels": 0, "evaluate_every": 4, "checkpoint_every": 0.0}
    worse = keras.optimizers.schedules.PiecewiseConstantDecay([11], [0.1, 8.0])  # the best net comes before the end

    def run(directory, end):
        def mortal(self, start, stop, seed, rate):
            if start >= end:
                raise Killed
            return Trainer.run(self, start, stop, seed, rate)

        with pytest.MonkeyPatch.context() as monkeypatch:
            watched(monkeypatch, run=mortal)
            return list(levels(digits_net(keras.optimizers.SGD(worse)), few_digits, directory=directory, **plan))

    (whole,) = run(tmp_path / "whole", end=T)
    with pytest.raises(Killed):
        run(tmp_path / "killed", end=T - 5)
    assert run(tmp_path / "killed", end=T) == [whole]
    assert whole.early_step <= 12 and whole.early_test_accuracy != whole.test_accuracy


@pytest.fixture
def finished(few_digits, digits_net, quick, experiment, tmp_path):
    """Return a copy of the experiment's folder and a function that runs the loop in it again."""
    folder = shutil.copytree(experiment.folder, tmp_path / "copy")

    def again(data=few_digits, **change):
        model = digits_net(change.pop("optimizer", keras.optimizers.SGD(SCHEDULE, momentum=0.9)))
        return list(levels(model, data, directory=folder, **PLAN | {"seed": range(2)} | change))

    return SimpleNamespace(folder=folder, again=again)


def test_finished_trainings_are_not_repeated(experiment, finished, quick):
    assert finished.again() == experiment.records
    assert finished.again(levels=1, arms=["rewind"], seed=1) == [
        r for r in experiment.records if (r.seed, r.arm) in ((1, "dense"), (1, "rewind")) and r.level < 2
    ]
    assert not quick.ends


def test_more_levels_seeds_and_arms_may_come(experiment, finished, quick):
    shutil.rmtree(finished.folder / "seed1")
    for name in ("level-02-rewind", "level-02-reinit", "level-01-reinit", "level-01-shuffle"):
        (finished.folder / "seed0" / f"{name}.npz").unlink()
    assert finished.again(arms=["rewind", "reinit"]) == [
        r for r in experiment.records if r.arm in ("dense", "rewind", "reinit")
    ]
    assert len(quick.ends) == 3 + 5


# options


def test_one_shot_prunes_the_dense_net_to_every_density(few_digits, digits_net, quick, equal_arrays):
    plan = PLAN | {"one_shot": True, "arms": ["rewind", "lr_rewind", "reinit"]}
    watch = Watch()
    records = list(levels(digits_net("adam"), few_digits, observer=watch, **plan))
    assert [(r.level, r.steps, r.total_steps) for r in records] == [
        (0, 24, 24),
        *((1, 18, 42), (1, 18, 42), (1, 24, 48)),
        *((2, 18, 42), (2, 18, 42), (2, 24, 48)),
    ]
    assert watch.steps == steps_in_all(T, LEVELS, K, plan["arms"], one_shot=True)
    begins = {text: call for text, call in reversed(list(zip(watch.texts, quick.calls, strict=True)))}
    whole = begins["seed 0 level 0 dense"].masks
    for level in (1, 2):
        expected = naive_masks(quick.ends[0].variables, whole, math.floor(KEEP**level * 888 + 0.5))
        for arm in plan["arms"]:
            assert equal_arrays(begins[f"seed 0 level {level} {arm}"].masks, expected)
        start = begins[f"seed 0 level {level} lr_rewind"]
        assert equal_arrays(start.ticket.variables, masked(quick.ends[0].variables, expected))


def test_a_fraction_for_each_pattern(few_digits, digits_net, quick):
    plan = PLAN | {"keep": {"logits": 0.9, "*": 0.8}, "scope": "layer", "arms": ["rewind"]}
    for record in levels(digits_net("adam"), few_digits, **plan):
        for path, size in KERNELS.items():
            fraction = 0.9 if path.startswith("logits") else 0.8
            assert round(record.layers[path] * size) == math.floor(fraction**record.level * size + 0.5)


def test_excluded_layers_stay_whole(few_digits, digits_net, quick):
    plan = PLAN | {"exclude": ["logits"], "arms": ["rewind"]}
    assert [r.layers for r in levels(digits_net("adam"), few_digits, **plan)] == [
        {"hidden/kernel": density} for density in (1, 0.5, 0.25)
    ]


def test_units(few_digits, digits_net, quick):
    plan = PLAN | {"granularity": "units", "arms": ["rewind", "reinit", "shuffle"]}
    watch = Watch()
    records = list(levels(digits_net("adam"), few_digits, observer=watch, **plan))
    assert {(r.level, r.density) for r in records} == {(0, 1.0), (1, 0.5), (2, 0.25)}
    begins = {text: call for text, call in reversed(list(zip(watch.texts, quick.calls, strict=True)))}
    kept = {arm: begins[f"seed 0 level 2 {arm}"].masks for arm in plan["arms"]}
    for units in kept.values():
        assert (
            list(units) == ["hidden", "bn"] and np.array_equal(units["hidden"], units["bn"]) and units["bn"].sum() == 3
        )
    assert np.array_equal(kept["rewind"]["bn"], kept["reinit"]["bn"])
    norms = np.linalg.norm(quick.ends[1].variables["hidden/kernel"], axis=0)  # the ticket of level 1 at its end
    assert set(np.flatnonzero(kept["rewind"]["bn"])) == set(np.argsort(norms)[-3:])


def test_without_drawing_the_weights_are_the_model_s(few_digits, digits_net, quick, equal_arrays):
    model = digits_net("adam")
    list(levels(model, few_digits, **PLAN | {"levels": 0, "draw": False}))
    expected = Ticket.take(prune_weights(model, 1.0)).variables
    state = {"dropout/seed_generator_state": 0}  # belongs to the seed
    assert equal_arrays(quick.calls[0].ticket.variables | state, expected | state)


def test_level_0_alone_is_the_dense_net(few_digits, digits_net, quick, experiment):
    model = digits_net(keras.optimizers.SGD(SCHEDULE, momentum=0.9))
    watch = Watch()
    (record,) = levels(model, few_digits, observer=watch, **PLAN | {"levels": 0, "arms": ["rewind"]})
    assert record == experiment.records[0]
    assert list(watch.histories) == [(0, "dense")]


def test_the_model_that_is_passed_is_not_touched(few_digits, digits_net, quick, equal_arrays):
    model = digits_net(keras.optimizers.SGD(SCHEDULE, momentum=0.9))
    before, layers, optimizer = Ticket.take(model), list(model.layers), model.optimizer
    next(levels(model, few_digits, **PLAN))
    after = Ticket.take(model)
    assert equal_arrays(before.variables, after.variables) and after.step == 0
    assert model.layers == layers and model.optimizer is optimizer
    assert isinstance(optimizer.get_config()["learning_rate"], dict)


@pytest.mark.parametrize(("losses", "best"), [([3, 1, 1, 2], 1), ([3, 2, 1, 1], 2), ([1, 2, 3, 1], 0)])
def test_early_stopping_is_at_the_first_minimum(few_digits, digits_net, monkeypatch, losses, best):
    told, tested = iter(losses), []

    def evaluate(self, split):
        if split == "validation":
            return Evaluation(next(told), 0.5)
        tested.append(Ticket.take(self.model))
        return Evaluation(0.0, len(tested) / 10)

    seen = watched(monkeypatch, evaluate=evaluate)
    (record,) = levels(digits_net("sgd"), few_digits, **PLAN | {"levels": 0})
    assert (record.early_step, record.early_validation_loss) == (8 * best, losses[best])
    assert (record.test_accuracy, record.early_test_accuracy) == (0.1, 0.2)
    states = {call.start: call.ticket for call in seen.calls} | {24: seen.ends[0]}
    np.testing.assert_array_equal(tested[0].variables["hidden/kernel"], states[24].variables["hidden/kernel"])
    np.testing.assert_array_equal(tested[1].variables["hidden/kernel"], states[8 * best].variables["hidden/kernel"])


def test_random_scores_are_drawn_anew_for_each_level_and_seed(few_digits, digits_net, quick):
    plan = PLAN | {"criterion": "random", "arms": ["rewind"], "levels": 1, "seed": [0, 1]}
    list(levels(digits_net("adam"), few_digits, **plan))
    first, second = (
        call.masks["hidden/kernel"] for call in quick.calls if call.start == K and not call.masks["hidden/kernel"].all()
    )
    assert not np.array_equal(first, second)


# bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "`steps` and .*Received: steps=0"),
        ({"levels": -1}, "`levels` at least 0.*levels=-1"),
        ({"evaluate_every": 0}, "evaluate_every=0"),
        ({"rewind_to": T}, r"`rewind_to` must lie in \[0, steps\). Received: rewind_to=24, steps=24"),
        ({"rewind_to": -1}, "rewind_to=-1"),
        ({"granularity": "filters"}, "`granularity` must be weights or units. Received: granularity='filters'"),
        ({"arms": ["ticket"]}, "`arms` must be different ones of"),
        ({"keep": 1.5}, r"`keep` must lie in \(0, 1\]. Received: keep=1.5"),
        ({"keep": 0}, "keep=0"),
        ({"keep": -0.5}, "keep=-0.5"),
        ({"keep": float("nan")}, "keep=nan"),
        ({"keep": {"hidden": 2.0}}, "keep={'hidden': 2.0}"),
        ({"keep": {"conv*": 0.5}}, r"matches no layer. Received: 'conv\*'"),
        ({"exclude": ["conv"]}, "`exclude` has a pattern that matches no layer. Received: 'conv'"),
        ({"scope": "everywhere"}, "`scope` must be one of global, layer"),
        ({"criterion": "beauty"}, "`criterion` must be one of"),
        ({"criterion": lambda kernel: kernel * np.nan}, "NaN"),
        ({"batch_size": 201}, "`batch_size` must lie in .*Received: batch_size=201"),
        ({"seed": -1}, "`seed` must be a non-negative integer. Received: seed=-1"),
    ],
)
def test_bad_arguments_end_before_anything_is_trained(few_digits, digits_net, quick, change, words):
    with pytest.raises(ValueError, match=words):
        list(levels(digits_net("adam"), few_digits, **PLAN | change))
    assert not quick.ends


def test_a_model_that_is_not_compiled(few_digits):
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)], name="raw")
    with pytest.raises(ValueError, match="`model` must be compiled.*Received: 'raw'"):
        next(levels(model, few_digits, **PLAN))


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        ({"steps": 25}, "steps"),
        ({"keep": 0.6, "rewind_to": 5}, "rewind_to, keep"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"one_shot": True}, "one_shot"),
    ],
)
def test_a_directory_of_other_arguments(finished, change, differing):
    with pytest.raises(
        ValueError, match=f"`directory` holds a loop with other arguments .{differing}.: choose another"
    ):
        finished.again(**change)


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        ({"activation": "tanh"}, "layers"),
        ({"activation": lambda x: x}, "layers"),
        ({"regulariser": "l2"}, "layers"),
        ({"noisy": False}, "layers, initial"),
        ({"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3)}, "loss"),
    ],
    ids=["activation", "lambda", "regulariser", "fewer layers", "loss"],
)
def test_a_directory_of_another_model(finished, digits_net, few_digits, other, differing):
    model = digits_net(keras.optimizers.SGD(SCHEDULE, momentum=0.9), **other)
    with pytest.raises(ValueError, match=f"other arguments .{differing}.: choose another"):
        list(levels(model, few_digits, directory=finished.folder, **PLAN))


def test_a_directory_of_other_initial_weights_where_they_are_not_drawn(few_digits, digits_net, quick, tmp_path):
    plan = PLAN | {"levels": 0, "draw": False, "directory": tmp_path}
    model = digits_net("adam")
    (record,) = levels(model, few_digits, **plan)
    other = digits_net("adam")
    with pytest.raises(ValueError, match="other arguments .initial.: choose another"):
        list(levels(other, few_digits, **plan))
    other.set_weights(model.get_weights())
    assert list(levels(other, few_digits, **plan)) == [record] and len(quick.ends) == 1


def test_a_directory_of_other_data_of_the_same_shapes(finished, few_digits):
    images, labels = few_digits.train
    data = replace(few_digits, train=(images, labels[::-1].copy()))
    with pytest.raises(ValueError, match="other arguments .data.: choose another"):
        finished.again(data)


def test_a_directory_of_other_data(finished, few_digits):
    test = tuple(array[:59] for array in few_digits.test)
    data = Splits.from_arrays(few_digits.train, few_digits.validation, test, augmentation=few_digits.augmentation)
    with pytest.raises(ValueError, match="other arguments .data.: choose another"):
        finished.again(data)


@pytest.mark.parametrize(
    ("name", "kind"), [("seed0/level-00-dense.npz", ".npz"), ("seed0/rewind.npz", ".npz"), ("plan.json", "JSON")]
)
def test_a_damaged_file_is_named(finished, name, kind):
    file = finished.folder / name
    file.write_bytes(file.read_bytes()[:-100])
    (finished.folder / "seed0" / "level-02-rewind.npz").unlink()
    with pytest.raises(DamagedFileError, match=f"`path` must be a whole {kind} file.*{name}"):
        finished.again()


def test_a_training_that_diverged_is_named(few_digits, digits_net, quick):
    trainings = levels(digits_net(keras.optimizers.SGD(1e30)), few_digits, **PLAN | {"arms": ["rewind"], "seed": 3})
    assert next(trainings).arm == "dense"
    with pytest.raises(DivergedError, match="The training of seed 3, level 0, dense diverged: '.*' is not finite"):
        next(trainings)
