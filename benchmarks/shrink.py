"""What does it cost to find groups, to prune and to shrink, and is the small net as fast as one that was built small?

ResNet-20 and 56 (32 × 32, projection shortcuts) and ResNet-50 (224 × 224), the same in Keras and in PyTorch, random weights, half
of the units of every group pruned, the classifier's left: `tfr.find_groups`, `prune_units` and `shrink` beside Torch-Pruning's
`DependencyGraph.build_dependency`, its pruner's making and its step with GroupMagnitudeImportance(p=1). CPU seconds, one thread,
each side in a process of its own, one after the other; medians of five. Ours leave the model as it is and build two others,
theirs cut it in place: what Keras takes to build one, `keras.models.clone_model`, stands beside.

Then the latency of the nets, compiled, measured in turns: dense, pruned, built by hand at half the width; and 55 % of the units
kept, with and without rounding their numbers to multiples of eight. Both sides against their own dense net.

    python benchmarks/shrink.py                     about 15 minutes on 2 cores
    python benchmarks/shrink.py --quick             ResNet-20, few rounds, to see that it runs

The peer comes with `pip install -e '.[peers]'`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from functools import partial

import numpy as np

NETS = {"ResNet-20": dict(size=32, batch=128, rounds=40), "ResNet-56": dict(size=32, batch=64, rounds=40),
        "ResNet-50": dict(size=224, batch=4, rounds=20)}  # fmt: skip
THEIRS_ELSEWHERE = {"ResNet-20": 27, "ResNet-56": 115, "ResNet-50": 1130}  # ms to find groups, on another machine
SIDES = ("ours", "Torch-Pruning")
UNEVEN = 0.55
MOST = 1.05  # latency ÷ that of the net built by hand
TIMES = {"ours": ("find_groups", "prune_units", "shrink"), "Torch-Pruning": ("build_dependency", "pruner", "step")}


# -------------------------------------------------------------------------------------------------------------- our side


def keras_net(name: str, share: float = 1.0):
    from _keras_nets import resnet_50

    from tfredundancy import models

    if name == "ResNet-50":
        return resnet_50(int(64 * share))
    return models.resnet(int(name.split("-")[1]), width=int(16 * share))


def ours(name: str, repeats: int, rounds: int) -> dict:
    """In a process of its own: times, counts and latencies of Keras nets."""
    import keras
    import tensorflow as tf

    import tfredundancy as tfr
    from tfredundancy.pruning.comparing import compiled, random_inputs

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    dense = keras_net(name)
    seconds = {step: [] for step in (*TIMES["ours"], "clone_model")}
    for _ in range(repeats + 1):
        _, spent = timed(lambda: tfr.find_groups(dense))
        seconds["find_groups"].append(spent)
        pruned, spent = timed(lambda: tfr.prune_units(dense, 0.5, criterion="l1", exclude=("classifier",)))
        seconds["prune_units"].append(spent)
        half, spent = timed(partial(tfr.shrink, pruned))
        seconds["shrink"].append(spent)
        _, spent = timed(partial(keras.models.clone_model, dense))
        seconds["clone_model"].append(spent)
    nets = {"dense": dense, "pruned": half, "by hand": keras_net(name, 0.5)}
    for arm, round_to in (("uneven", None), ("rounded", 8)):
        nets[arm] = tfr.shrink(tfr.prune_units(dense, UNEVEN, exclude=("classifier",), round_to=round_to))
    inputs = random_inputs(dense, NETS[name]["batch"])
    latency = in_turns({arm: partial(compiled(net), inputs) for arm, net in nets.items()}, rounds)
    counts = {arm: tfr.count(net) for arm, net in nets.items()}
    found = {arm: {"parameters": each.trainable, "macs": each.macs} for arm, each in counts.items()}
    return {"seconds": seconds, "counts": found, "latency": latency}


# ------------------------------------------------------------------------------------------------------------ their side


def torch_net(name: str, share: float = 1.0):
    from _torch_nets import CifarResNet, ResNet50

    if name == "ResNet-50":
        return ResNet50(int(64 * share)).eval()
    return CifarResNet(int(name.split("-")[1]), int(16 * share)).eval()


def theirs(name: str, repeats: int, rounds: int) -> dict:
    """In a process of its own: times, counts and latencies of PyTorch nets."""
    import torch
    import torch_pruning as tp

    torch.set_num_threads(1)
    size, batch = (NETS[name][key] for key in ("size", "batch"))
    one = torch.randn(1, 3, size, size)
    seconds = {step: [] for step in TIMES["Torch-Pruning"]}
    for _ in range(repeats + 1):
        net = torch_net(name)
        _, spent = timed(lambda net=net: tp.DependencyGraph().build_dependency(net, example_inputs=one))
        seconds["build_dependency"].append(spent)
        pruner, spent = timed(lambda net=net: their_pruner(net, one, 0.5))
        seconds["pruner"].append(spent)
        _, spent = timed(pruner.step)
        seconds["step"].append(spent)
    nets = {"dense": torch_net(name), "pruned": net, "by hand": torch_net(name, 0.5)}
    for arm, round_to in (("uneven", None), ("rounded", 8)):
        nets[arm] = torch_net(name)
        their_pruner(nets[arm], one, 1 - UNEVEN, round_to).step()
    x = torch.randn(batch, 3, size, size)
    latency = in_turns({arm: partial(without_gradient, net, x) for arm, net in nets.items()}, rounds)
    counts = {arm: tp.utils.count_ops_and_params(net, one) for arm, net in nets.items()}
    found = {arm: {"parameters": int(params), "macs": int(macs)} for arm, (macs, params) in counts.items()}
    return {"seconds": seconds, "counts": found, "latency": latency}


def their_pruner(net, example, ratio: float, round_to=None):
    import torch_pruning as tp

    importance = tp.importance.GroupMagnitudeImportance(p=1)
    settings = dict(pruning_ratio=ratio, ignored_layers=[net.classifier], round_to=round_to)
    return tp.pruner.MagnitudePruner(net, example, importance=importance, **settings)


def without_gradient(net, x):
    import torch

    with torch.no_grad():
        return net(x)


# --------------------------------------------------------------------------------------------------------------- measuring


def timed(call):
    """What the function returns, and the CPU seconds that it took."""
    clock = time.process_time()
    found = call()
    return found, time.process_time() - clock


def in_turns(calls, rounds: int, warm_up: int = 2) -> dict[str, list[float]]:
    """CPU seconds of each function in each round."""
    from _timing import rotated

    seconds = {name: [] for name in calls}
    for number in range(-warm_up, rounds):
        for name in rotated(calls, number):
            _, spent = timed(calls[name])
            if number >= 0:
                seconds[name].append(spent)
    return seconds


def asked(name: str, side: str, repeats: int, rounds: int) -> dict:
    """What a worker found."""
    command = [sys.executable, __file__, "--work", name, side, str(repeats), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {name}, {side}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# --------------------------------------------------------------------------------------------------------------- reporting


def summarised(one: dict) -> dict:
    """Medians of times, without the first, and paired ratios of latencies."""
    from _timing import ratio

    latency, counts = one["latency"], one["counts"]
    return {
        "milliseconds": {step: 1000 * float(np.median(values[1:])) for step, values in one["seconds"].items()},
        "first_milliseconds": {step: 1000 * values[0] for step, values in one["seconds"].items()},
        "counts": counts,
        "latency_ms": {arm: 1000 * float(np.median(values)) for arm, values in latency.items()},
        "latency_ratio": {arm: ratio(latency[arm], latency["dense"]) for arm in latency if arm != "dense"},
        "macs_ratio": {arm: counts[arm]["macs"] / counts["dense"]["macs"] for arm in latency if arm != "dense"},
        "pruned_to_hand": ratio(latency["pruned"], latency["by hand"]),
    }


def report(found: dict[str, dict[str, dict]]) -> dict[str, bool]:
    """Print the tables; return the targets, met or not."""
    from _timing import print_table

    times, nets, targets = [], [], {}
    for name, sides in found.items():
        for side, one in sides.items():
            steps = [f"{step} {one['milliseconds'][step]:.0f} ms" for step in TIMES[side]]
            copy = f"{one['milliseconds']['clone_model']:.0f} ms" if side == "ours" else ""
            times.append([name, side, *steps, copy])
            nets += [
                [name, side, arm, *_net_row(one, arm)] for arm in ("dense", "pruned", "by hand", "uneven", "rounded")
            ]
        targets |= _targets(name, sides)
    print_table(["net", "", "groups", "prune", "shrink", "a plain copy"], times)
    print()
    print_table(
        ["net", "", "arm", "parameters", "MACs", "latency ms", "latency ÷ dense", "MACs ÷ dense", "quotient"], nets
    )
    return targets


def _net_row(one: dict, arm: str) -> list[str]:
    counts = [f"{one['counts'][arm][name]:,}" for name in ("parameters", "macs")]
    row = [*counts, f"{one['latency_ms'][arm]:.1f}"]
    if arm == "dense":
        return [*row, "", "", ""]
    latency, macs = one["latency_ratio"][arm], one["macs_ratio"][arm]
    return [
        *row,
        f"{latency.mean:.3f} [{latency.low:.3f}, {latency.high:.3f}]",
        f"{macs:.3f}",
        f"{latency.mean / macs:.2f}",
    ]


def _targets(name: str, sides: dict[str, dict]) -> dict[str, bool]:
    our, counts = sides["ours"], sides["ours"]["counts"]
    same = counts["pruned"] == counts["by hand"]
    groups, fast = our["milliseconds"]["find_groups"], our["pruned_to_hand"]
    targets = {
        f"{name}: parameters and MACs are those of the net built by hand: {counts['pruned']}": same,
        f"{name}: latency at most {MOST} × that of the net built by hand: {fast}": fast.mean <= MOST,
    }
    if "Torch-Pruning" in sides:
        theirs_now = sides["Torch-Pruning"]["milliseconds"]["build_dependency"]
        text = f"{name}: groups found no slower than theirs: {groups:.0f} against {theirs_now:.0f} ms"
        equal = sides["Torch-Pruning"]["counts"]["pruned"]["parameters"] == counts["pruned"]["parameters"]
        targets |= {text: groups <= theirs_now, f"{name}: as many parameters as theirs": equal}
    return targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which nets")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="whose")
    parser.add_argument(
        "--repeats", type=int, default=5, help="of finding groups, pruning and shrinking, after the first"
    )
    parser.add_argument("--rounds", type=int, help="of latencies; 40, for ResNet-50 20")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for shrink.json")
    parser.add_argument("--quick", action="store_true", help="ResNet-20, few rounds, to see that it runs")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if args.work:
        name, side, repeats, rounds = args.work
        print(json.dumps((ours if side == "ours" else theirs)(name, int(repeats), int(rounds))))
        return
    from _timing import print_targets, write

    if args.quick:
        args.nets, args.repeats, args.rounds = ["ResNet-20"], 1, 3
    found = {
        name: {
            side: summarised(asked(name, side, args.repeats, args.rounds or NETS[name]["rounds"]))
            for side in args.sides
        }
        for name in args.nets
    }
    targets = report(found) if "ours" in args.sides else {}
    print_targets(targets)
    record = {
        "question": "Finding groups, pruning and shrinking, ours and Torch-Pruning's",
        "nets": found,
        "targets": targets,
    }
    write(args.out, "shrink", record)


if __name__ == "__main__":
    main()
