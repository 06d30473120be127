"""docs/reference/sidecar.md: the files between `asha sidecar` and a trainer."""

# ruff: noqa: E501 - a sentence or a row is one line, here as on the page
from __future__ import annotations

from asha_server.cli.run.briefing import WORDS
from asha_server.cli.sidecar import forms
from asha_server.cli.sidecar.folder import PROBLEMS_MAX
from asha_server.cli.sidecar.folder_training import TOLD_TO_GO
from asha_server.cli.sidecar.gate import READS, SUGGESTIONS
from asha_server.cli.sidecar.gate import WORDS as SIGNS
from docs.generator.docstring import attributes
from docs.generator.markdown import heading, link, table

FILES: tuple[tuple[str, str, str], ...] = (
    (f"`{forms.WRAPPER}`", "sidecar", "the other side of all of this, for any command: `sh trainer.sh [--stdout] COMMAND…`"),
    (f"`{forms.CURRENT}`", "sidecar", "symbolic link to the folder of the trial to train; not there while there is none"),
    (f"`{forms.FinishedForm.name}`", "sidecar", "[there will be no more trials](#finishedjson)"),
    (f"`{forms.HEARTBEAT}`", "trainer", "touched by a trainer that waits for work, or trains for long without a line: its time of change counts, its content does not"),
    (f"`{forms.LOCK}`", "trainer", f"locked (`flock {forms.LOCK} COMMAND`, waiting, not `-n`) for as long as the trainer lives"),
    (f"`{forms.PID}`", "trainer", "the trainer's process id; looked at with `--shared-process-namespace` alone"),
    (f"`{forms.STATE}`", "sidecar", "what the next sidecar must know; mode 0600, for it holds the lease"),
    (f"`{forms.TRIALS}/N-A/`", "sidecar", "the folder of attempt A at trial N; the last two are kept"),
)  # fmt: skip
TRIAL_FILES: tuple[tuple[str, str, str], ...] = (
    (f"`{forms.PARAMETERS}`", "sidecar", "the configuration: an object of values by full name"),
    (f"`{forms.TrialForm.name}`", "sidecar", "[all about the trial](#trialjson)"),
    (f"`{forms.ENVIRONMENT}`", "sidecar", "the same as `export NAME='value'` lines for a shell: [the variables](#trialenv)"),
    (f"`{forms.METRICS}`", "trainer", "appended: [a line a report](#metricsjsonl)"),
    (f"`{forms.VerdictForm.name}`", "sidecar", "[the newest decision](#verdictjson)"),
    (f"`{forms.STOP}`", "sidecar", "is there once the trainer is to leave off: verdict and reason, as `PAUSE AWAITING_PROMOTION`"),
    (f"`{forms.EXIT_STATUS}`", "trainer", "[how the training ended](#exit_status)"),
    (f"`{forms.PROBLEMS}`", "sidecar", f"lines that were not understood, with their numbers, at most {PROBLEMS_MAX}"),
)  # fmt: skip


def page() -> str:
    """The page."""
    lines = heading("The files of a sidecar", "`asha_server/cli/sidecar`")
    lines += [
        "What `asha sidecar --folder` and a trainer write for each other, and what passes through `--socket`.",
        "How to use it: [run a sidecar](../howto/sidecar.md).",
        f"Its options: {link('asha sidecar', 'asha sidecar', 'cli.md')}.",
        "Why it is like this: [ADR 0019](../adr/0019-sidecar.md).",
        "",
        "The sidecar writes a file under another name and renames it: under its own name it is always whole.",
        "JSON is UTF-8 with one field a line, two spaces before it, in the order below; a reader must bear fields that it does not know.",
        "Paths in the files are those of the sidecar: mount the folder at the same place in both containers, or find the files by their names.",
        "",
        "## The folder",
        "",
        *table(["file", "written by", "what"], FILES),
        "",
        "## The folder of a trial",
        "",
        f"A trainer finds it by `{forms.CURRENT}` and stays with it: when the link leads elsewhere, that is the next trial.",
        "",
        *table(["file", "written by", "what"], TRIAL_FILES),
        "",
    ]
    for form in (forms.TrialForm, forms.VerdictForm, forms.FinishedForm):
        lines += _form(form)
    lines += [
        "## trial.env",
        "",
        "Those of [`asha run`](cli.md#asha-run): `ASHA_PARAM_` and a parameter's name in capitals, other signs as `_`, and these:",
        f"{', '.join(f'`{variable}`' for variable in WORDS.values())}.",
        "`trainer.sh` corrects the paths of the two files for its own mount.",
        "",
        "## metrics.jsonl",
        "",
        "```text",
        '{"step": 3, "val_loss": 0.31, "checkpoint": "/models/trial-7-step-3.pt"}',
        "```",
        "",
        "A JSON object a line, as `asha run` reads them from standard output; `--metrics`, `--pattern` and `--step` change the form.",
        "",
        *table(
            ["field", "meaning"],
            [
                ["`step`", "units that the trial was trained in all, an integer >= 0. Without it each line with the search metric is the next step; a trainer that may be started again inside an attempt must say it"],
                ["`checkpoint`", "what would resume at this step, a text. Save it first, then write the line"],
                ["any other name", "a metric, a number; `NaN`, `Infinity` and `-Infinity` are numbers"],
            ],
        ),
        "",
        "A line counts once it has its newline; the last one of all also without, if it can be read.",
        "The same step again with the same value counts once, with another value the first one stands.",
        f"A line that reports nothing is told in `{forms.PROBLEMS}`, and harms nothing.",
        "A file that is written anew is read from its beginning.",
        "",
        "## exit_status",
        "",
        "One line: the exit status, 0 to 255, and after a blank what is to be said about it.",
        "It counts once it has its newline; write it under another name and rename it.",
        "",
        *table(
            ["status", "without a verdict", "after a verdict"],
            [
                ["0", "the trial is complete; it has failed if it never reported the search metric", "acknowledged"],
                [" and ".join(str(status) for status in sorted(TOLD_TO_GO)), "the trainer was told to go (SIGINT, SIGTERM): the trial is released, uncounted, and the next one waits until a trainer shows life", "acknowledged"],
                ["any other", "the trial has failed and is tried again; `--infeasible-exit`, `--permanent-exit` and `--unreadable-exit` say otherwise", "acknowledged"],
                ["something else", "as any other, and a problem", "acknowledged"],
            ],
        ),
        "",
        "The next trial is handed over once this one has its `exit_status`.",
        "",
        "## The socket",
        "",
        "Any client of `asha.v1` calls it in plaintext, without a token: the permissions of its file (`--mode`) are the lock.",
        "",
        *table(
            ["call", "passes"],
            [
                [", ".join(link(m.name, m.name, "rpc.md") for m in SUGGESTIONS.methods), "about the sidecar's experiment"],
                [", ".join(link(m.name, m.name, "rpc.md") for m in READS), "about the sidecar's experiment"],
                ["`grpc.health.v1.Health`", "as the server answers"],
                ["any other", "`UNIMPLEMENTED`"],
            ],
        ),
        "",
        "An empty `experiment_id` stands for the sidecar's; another one is `PERMISSION_DENIED` / `SCOPE_MISSING`.",
        "`worker_id` is replaced by the sidecar's, the token by its own; errors of the server pass with their details.",
        f"{', '.join(f'`{name}`' for name in sorted(SIGNS))} are signs that the training goes on.",
        "Once a trial was given up, its `Heartbeat` is answered `ABORTED` / `LEASE_LOST` by the sidecar itself.",
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _form(form: type[forms.Form]) -> list[str]:
    """One JSON file: a heading, a sentence, a table of its fields."""
    words = attributes(form)
    summary = (form.__doc__ or "").splitlines()[0].partition(": ")[2]
    rows = [[f"`{name}`", words[name]] for name in forms.field_names(form)]
    first = summary[0].upper() + summary[1:]
    return [f"## {form.name}", "", first, "", *table(["field", "meaning"], rows), ""]
