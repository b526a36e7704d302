"""Make docs/findings.md from the summary.json files of committed runs.

    python experiments/findings.py                docs/results/**/summary.json → docs/findings.md

Nothing is added by hand: what a run claims, its command, its seeds and its machine stand beside its figures.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from tfredundancy.files import read_csv, write_atomically

HEAD = """# Findings

Made by `python experiments/findings.py` from the summaries under docs/results/. A difference is the mean over seeds of the paired
difference, with its 95 % t-interval from five seeds on; below that with its range, and without a verdict. What overlaps
zero is not ranked.
"""


def main() -> None:
    """Collect the summaries and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("docs/results"), help="The folder of committed runs.")
    parser.add_argument("--page", type=Path, default=Path("docs/findings.md"), help="The page to write.")
    args = parser.parse_args()
    sections = [section(file.parent, args.page.parent) for file in sorted(args.results.glob("**/summary.json"))]
    page = "\n".join([HEAD, *sections])
    write_atomically(args.page, lambda file: file.write(page.encode()))


def section(run: Path, page_folder: Path) -> str:
    """One run: claim, command, machine, table, picture."""
    summary = json.loads((run / "summary.json").read_text())
    config = json.loads((run / "config.json").read_text())
    seeds = summary["seeds"]
    picture = run / summary.get("picture", "figures/accuracy_early.png")
    lines = [
        f"## {summary['experiment']}: {run.name}",
        "",
        f"Claim: {summary['paper']['claim']} ({summary['paper']['reference']})",
        "",
        f"    {summary['command']}",
        "",
        f"{seeds} seed{'s' if seeds > 1 else ''}; {effort(run)} on {machine(config)}. {summary['note']}",
        "",
        *verdict(summary),
        *claims(summary),
        *table(summary),
        "",
        f"![{picture.stem.replace('_', ' ')}]({picture.relative_to(page_folder)})",
        "",
    ]
    return "\n".join(lines)


def verdict(summary: dict[str, Any]) -> list[str]:
    """The sentence that a run's numbers support, where it has one."""
    return [f"Verdict: {summary['verdict']}", ""] if summary.get("verdict") else []


def claims(summary: dict[str, Any]) -> list[str]:
    """A line for each claim that the experiment tells apart: what was found, and the verdict."""
    lines = []
    for each in summary.get("claims", ()):
        mean, low, high = (
            each["ours"][name] for name in ("mean", *(("low", "high") if "low" in each["ours"] else ("min", "max")))
        )
        effect = f" (effect size {each['ours']['effect']:.1f})" if each["ours"].get("effect") else ""
        lines.append(f"- {each['claim']}: {mean:+.4f} [{low:+.4f}, {high:+.4f}]{effect}; {each['verdict']}")
    return [*lines, ""] if lines else []


def effort(run: Path) -> str:
    """How much was trained, where results.csv counts it, and how long that took by the clock."""
    results, minutes = read_csv(run / "results.csv"), read_csv(run / "timings.csv").seconds.sum() / 60
    trained = f"{results.steps.sum():,} training steps in " if "steps" in results else ""
    return f"{trained}{minutes:,.0f} minutes"


def machine(config: dict[str, Any]) -> str:
    """The machines of a run, from its config.json."""
    seen = [f"{m['cpu']}, {m['usable_cores']} cores, Keras {m['packages']['keras']}" for m in config["machines"]]
    return "; ".join(dict.fromkeys(seen))


def table(summary: dict[str, Any]) -> list[str]:
    """The experiment's own table, or a row for each level and arm, accuracies at the best validation loss."""
    if "table" in summary:
        lines = [summary["table"]["header"], ["---"] * len(summary["table"]["header"]), *summary["table"]["rows"]]
        return [f"|{'|'.join(line)}|" for line in lines]
    head = "kept|arm|test accuracy, % (min–max)|early-stopping step|steps|all steps|ticket minus arm, points|verdict"
    rows = [f"|{head}|", "|---" * 8 + "|"]
    rows.append(_row("dense", summary["dense"], None))
    for level in summary["levels"]:
        for arm, found in level["arms"].items():
            difference = level["rewind_minus"].get(arm, {}).get("early_test_accuracy")
            rows.append(_row(arm, found, difference))
    return rows


def _row(arm: str, found: dict[str, Any], difference: dict[str, Any] | None) -> str:
    accuracy, step = found["early_test_accuracy"], found["early_step"]
    spread = f"{100 * accuracy['mean']:.2f} ({100 * accuracy['min']:.2f}–{100 * accuracy['max']:.2f})"
    compared = " | "
    if difference is not None:
        low, high = (100 * difference[side] for side in ("low", "high"))
        compared = f"{100 * difference['mean']:+.2f} [{low:+.2f}, {high:+.2f}] | {difference['verdict']}"
    counts = f"{step['mean']:.0f} | {found['steps']} | {found['total_steps']}"
    return f"| {100 * found['density']:.1f} % | {arm} | {spread} | {counts} | {compared} |"


if __name__ == "__main__":
    main()
