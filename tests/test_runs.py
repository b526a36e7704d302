"""Flags, run directories, and how scripts end."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfredundancy import runs
from tfredundancy.runs import RunDirectory, RunDirectoryError, flag, parse, positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class Args(runs.Common):
    """Flags of an experiment that does not exist."""

    dataset: str = flag(None, "The data set.", choices=("digits", "cifar10"))
    levels: int = flag(None, "Number of levels.")
    keep: float = flag(0.8, "Fraction kept per level; 80 % by default.")
    arms: tuple[str, ...] = flag(("rewind",), "The arms.", choices=("rewind", "reinit"))
    steps: tuple[int, ...] = flag((1, 2), "Some steps.")
    one_shot: bool = flag(False, "Prune once.")
    augment: bool = flag(None, "Augment the images.")


PRESETS = {
    "quick": {"dataset": "digits", "seeds": 2, "levels": 4, "augment": False},
    "paper": {"dataset": "cifar10", "seeds": 3, "levels": 16, "augment": True, "keep": 0.7},
}


def refusal(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        parse(Args, PRESETS, argv)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()  # no usage before it
    return line


# flags


def test_quick_is_the_default():
    args = parse(Args, PRESETS, [])
    assert args == Args(preset="quick", dataset="digits", seeds=2, levels=4, augment=False)
    assert (args.keep, args.arms, args.out, args.data_dir, args.fresh) == (0.8, ("rewind",), "runs", None, False)


def test_the_command_line_wins_over_the_preset_and_the_preset_over_the_default():
    args = parse(Args, PRESETS, ["--preset", "paper"])
    assert (args.keep, args.levels, args.augment) == (0.7, 16, True)
    args = parse(Args, PRESETS, "--preset paper --keep .9 --levels 5 --no-augment --seeds 1".split())
    assert (args.keep, args.levels, args.augment, args.seeds) == (0.9, 5, False, 1)


def test_every_kind_of_value():
    args = parse(Args, PRESETS, "--arms reinit,rewind --steps 5 --one-shot --data-dir x --strategy mirrored".split())
    assert (args.arms, args.steps, args.one_shot) == (("reinit", "rewind"), (5,), True)
    assert (args.data_dir, args.strategy) == ("x", "mirrored")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("--arms rewind,rwind", "argument --arms: expected one of rewind, reinit. Received: rwind"),
        ("--dataset imagenet", "argument --dataset: expected one of digits, cifar10. Received: imagenet"),
        ("--preset fast", "argument --preset: expected one of quick, paper. Received: fast"),
        ("--levels many", "argument --levels: invalid int value: 'many'"),
        ("--steps 1,x", "argument --steps: invalid int value: '1,x'"),
        ("--seeds 0", "argument --seeds: expected a whole number of at least 1. Received: 0"),
        ("--strategy tpu", "argument --strategy: expected none or mirrored, because"),
        ("--level 3", "unrecognized arguments: --level 3"),
        ("--nonsense", "unrecognized arguments: --nonsense"),
    ],
)
def test_a_bad_command_line_is_one_line(capsys, argv, words):
    assert words in refusal(capsys, *argv.split())


def test_a_flag_that_is_given_twice_is_refused(capsys):
    words = refusal(capsys, "--seeds", "3", "--levels", "2", "--seeds", "4")
    assert words.endswith("argument --seeds: given twice. Received: 4 after 3")
    assert "given twice. Received: 1,2 after 1,2" in refusal(capsys, "--steps", "1,2", "--steps", "1,2")


def test_help_tells_every_flag_and_what_the_presets_give(capsys):
    with pytest.raises(SystemExit):
        parse(Args, PRESETS, ["--help"], description="What it does.")
    text = " ".join(capsys.readouterr().out.split())
    assert "What it does." in text and "80 % by default" in text
    assert "[quick: 4, paper: 16]" in text and "[runs]" in text and "[rewind]" in text
    assert all("--" + field.name.replace("_", "-") in text for field in dataclasses.fields(Args))


def test_a_preset_of_an_unknown_field():
    with pytest.raises(ValueError, match="must name fields of `Args`. Received: 'level' in preset 'quick'"):
        parse(Args, {"quick": {"level": 3}}, [])


def test_settings_are_what_results_depend_on():
    args = parse(Args, PRESETS, "--out elsewhere --fresh --data-dir d --checkpoint-seconds 5".split())
    assert runs.settings(args) == runs.settings(parse(Args, PRESETS, []))
    assert runs.settings(args) != runs.settings(parse(Args, PRESETS, ["--levels", "5"]))


@pytest.mark.parametrize("text", ["1.5", "-1", "x", ""])
def test_positive_refuses(text):
    with pytest.raises(runs.argparse.ArgumentTypeError):
        positive(text)


@pytest.mark.parametrize("text", ["1.01", "-0.1", "nan", "half", ""])
def test_fraction_refuses(text):
    with pytest.raises(runs.argparse.ArgumentTypeError, match=f"expected a number in .0, 1.. Received: {text}"):
        runs.fraction(text)


def test_fraction():
    assert [runs.fraction(text) for text in ("0", ".25", "1")] == [0.0, 0.25, 1.0]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--preset paper",
        "--levels 5 --arms reinit,rewind --steps 7",
        "--preset paper --no-augment --keep 0.5",
        "--one-shot",
    ],
)
def test_the_command_gives_the_same_settings_again(words):
    args = parse(Args, PRESETS, [*words.split(), "--out", "elsewhere", "--fresh"])
    command = runs.command("script.py", args, PRESETS)
    assert command.startswith("python script.py") and "elsewhere" not in command and "--fresh" not in command
    assert runs.settings(parse(Args, PRESETS, command.split()[2:])) == runs.settings(args)


# run directory

CONFIG = {"levels": 4, "arms": ("rewind", "reinit"), "keep": np.float64(0.8)}


def test_a_new_directory_says_what_it_is(tmp_path):
    with RunDirectory.open(tmp_path, "lth", CONFIG, prefix="quick-digits") as run:
        assert run.path.parent == tmp_path / "lth" and not run.continued
        assert runs.re.fullmatch(r"quick-digits-[0-9a-f]{10}", run.path.name)
        found = json.loads((run / "config.json").read_text())
    assert found["config"] == {"levels": 4, "arms": ["rewind", "reinit"], "keep": 0.8}
    assert found["experiment"] == "lth" and found["machines"] == [runs.machine()]


def test_the_same_configuration_continues_and_another_does_not(tmp_path):
    paths = []
    for config in (CONFIG, dict(reversed(CONFIG.items())), {**CONFIG, "levels": 5}):
        with RunDirectory.open(tmp_path, "lth", config) as run:
            paths.append((run.path, run.continued))
    assert paths[0][0] == paths[1][0] != paths[2][0]
    assert [continued for _, continued in paths] == [False, True, False]


def test_the_version_is_part_of_the_id(tmp_path, monkeypatch):
    first = RunDirectory.open(tmp_path, "lth", CONFIG)
    monkeypatch.setattr(runs, "library_version", lambda: "99.0")
    assert RunDirectory.open(tmp_path, "lth", CONFIG).path != first.path


def test_machine_facts_are_not(tmp_path):
    for facts in ({"cpu": "one"}, {"cpu": "two"}, {"cpu": "one"}):
        with RunDirectory.open(tmp_path, "lth", CONFIG, facts=facts) as run:
            pass
    assert len(list((tmp_path / "lth").iterdir())) == 1
    assert json.loads((run / "config.json").read_text())["machines"] == [{"cpu": "one"}, {"cpu": "two"}]


def test_fresh_makes_the_next_and_the_last_is_continued(tmp_path):
    names = []
    for fresh in (False, True, True, False):
        with RunDirectory.open(tmp_path, "lth", CONFIG, prefix="q", fresh=fresh) as run:
            names.append(run.path.name)
    assert names[1:] == [names[0] + "-2", names[0] + "-3", names[0] + "-3"]


def test_one_process_at_a_time(tmp_path):
    run = RunDirectory.open(tmp_path, "lth", CONFIG)
    with pytest.raises(RunDirectoryError, match="another process is writing this run.*--fresh") as error:
        RunDirectory.open(tmp_path, "lth", CONFIG)
    assert str(run.path) in str(error.value) and "\n" not in str(error.value)
    RunDirectory.open(tmp_path, "lth", CONFIG, fresh=True).close()
    run.close()
    run.close()
    with RunDirectory.open(tmp_path, "lth", CONFIG) as again:
        assert again.continued


def test_a_killed_process_leaves_no_lock(tmp_path):
    holder = (
        "import runpy, sys, time\n"
        "runs = runpy.run_path(sys.argv[1])\n"
        "run = runs['RunDirectory'].open(sys.argv[2], 'lth', {'levels': 4})\n"
        "print('open', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", holder, runs.__file__, os.fspath(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(RunDirectoryError, match="another process"):
            RunDirectory.open(tmp_path, "lth", {"levels": 4})
        process.send_signal(signal.SIGKILL)
    with RunDirectory.open(tmp_path, "lth", {"levels": 4}) as run:
        assert run.continued


@pytest.mark.parametrize("content", ["", '{"config": {', "[]", "{}", '{"machines": 3}'])
def test_a_half_written_directory(tmp_path, content):
    with RunDirectory.open(tmp_path, "lth", CONFIG) as run:
        (run / "config.json").write_text(content)
    with pytest.raises(RunDirectoryError, match="half-written.*--fresh"):
        RunDirectory.open(tmp_path, "lth", CONFIG)
    (run / "config.json").unlink()
    with pytest.raises(RunDirectoryError, match="missing or half-written"):
        RunDirectory.open(tmp_path, "lth", CONFIG)
    RunDirectory.open(tmp_path, "lth", CONFIG, fresh=True).close()


def test_a_directory_of_another_configuration(tmp_path):
    with RunDirectory.open(tmp_path, "lth", CONFIG) as run:
        found = json.loads((run / "config.json").read_text())
    found["config"].update(levels=7, extra=1)
    (run / "config.json").write_text(json.dumps(found))
    with pytest.raises(RunDirectoryError, match=r"another configuration \(differs in extra, levels\); use --fresh"):
        RunDirectory.open(tmp_path, "lth", CONFIG)


def test_a_process_killed_while_it_makes_the_directory(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            RunDirectory.open(tmp_path, "lth", CONFIG, prefix="q")
    assert [path.name[:3] for path in (tmp_path / "lth").iterdir()] == [".q-"]
    with RunDirectory.open(tmp_path, "lth", CONFIG, prefix="q") as run:
        assert not run.continued
    assert list((tmp_path / "lth").iterdir()) == [run.path]


def test_out_is_a_file(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(RunDirectoryError, match="cannot write a run directory.*--out") as error:
        RunDirectory.open(tmp_path / "out", "lth", CONFIG)
    assert str(tmp_path / "out") in str(error.value)


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("before", [False, True])
def test_nothing_can_be_written(tmp_path, monkeypatch, number, before):
    if before:
        RunDirectory.open(tmp_path, "lth", CONFIG).close()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
        with pytest.raises(RunDirectoryError, match=f"{os.strerror(number)}.*--out.*{tmp_path}"):
            RunDirectory.open(tmp_path, "lth", CONFIG)
    with RunDirectory.open(tmp_path, "lth", CONFIG) as run:  # and it is not locked, nor half there
        assert run.continued == before
        assert [path.name for path in run.path.iterdir()] == ["config.json"]


def test_a_prefix_that_is_no_file_name():
    with pytest.raises(ValueError, match="`prefix`.*Received: prefix='a/b'"):
        runs.run_id({}, "a/b")


def test_machine_names_no_host():
    facts = runs.machine()
    assert facts["cores"] >= facts["usable_cores"] >= 1 and facts["packages"]["numpy"] == np.__version__
    assert os.uname().nodename not in json.dumps(facts).replace(facts["cpu"], "")
