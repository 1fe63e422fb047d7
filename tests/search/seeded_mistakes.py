"""A study without a mistake, and mistakes to seed in it: where each is found, and with which reason and remedy."""

from __future__ import annotations

GOOD = """\
name: good
objective: {metric: psnr, mode: max}
searcher: {kind: tpe, startup_trials: 4}
scheduler: {kind: asha, first_rung: 20, reduction: 2}
budget: {trials: 8}
published:
  - {source: a paper, values: {sampler: patchnet, sampler.cell: 16}}
confirm: {top: 1, seeds: 3, baseline: {sampler: {kind: uniform}}}
resources: {workers: 1, cpus_per_worker: 1}
trial:
  data: {kind: photos}
  patch:
    size: {choice: [64, 96]}
  task: {kind: demosaic, phase: grbg}
  model:
    kind: deepjdd
    padding: same
    depth: {int: [2, 6]}
    width: 8
  sampler:
    one_of:
      - {kind: uniform}
      - {kind: gradient, keep: {float: [0.1, 0.9]}}
      - {kind: patchnet, width: 8, cell: {choice: [16, 32]}}
  recipe:
    kind: supervised
    loss: {kind: l2}
    optimizer: {kind: adam, lr: {float: [1e-4, 1e-2], log: true}}
    schedule: {kind: cosine, warmup_steps: 5}
  steps: 80
  batch: 8
  evaluate: {every: 20}
"""

MISTAKES = [
    # (what is replaced, by what, line, key, part of the reason, part of the remedy)
    ("budget: {trials: 8}", "budget: {trails: 8}", 5, "budget.trails", "unknown key", "'trials'"),
    ("objective:", "objectve:", 2, "objectve", "unknown key", "'objective'"),
    ("    width: 8", "    widthh: 8", 19, "trial.model.widthh", "unknown key", "'width'"),
    ("  steps: 80", "  step: 80", 30, "trial.step", "unknown key", "'steps'"),
    ("kind: tpe,", "kind: tep,", 3, "searcher.kind", "no file raysearch/search/searchers/tep.py", "'tpe'"),
    ("kind: deepjdd", "kind: deepjd", 16, "trial.model.kind", "no file raysearch/models/deepjd.py", "'deepjdd'"),
    ("{kind: uniform}\n      -", "{kind: unifom}\n      -", 22, "trial.sampler.one_of.0.kind", "no file", "'uniform'"),
    ("loss: {kind: l2}", "loss: {}", 27, "trial.recipe.loss", "kind", "l1"),
    ("{float: [1e-4, 1e-2], log: true}", '"1e-4"', 28, "trial.recipe.optimizer.lr", "is text", "remove the quotes: 1e-4"),
    ("[1e-4, 1e-2], log", '["1e-4", 1e-2], log', 28, "trial.recipe.optimizer.lr.float.0", "is text", "quotes: 1e-4"),
    ("  batch: 8", '  batch: "8"', 31, "trial.batch", "is text, and must be a whole number", "remove the quotes: 8"),
    ("  batch: 8", "  batch: 8.5", 31, "trial.batch", "whole number", "write 8"),
    ("padding: same", "padding: sane", 17, "trial.model.padding", "no such choice", "'same'"),
    ("phase: grbg", "phase: 1", 14, "trial.task.phase", "no such choice", "grbg"),
    ("    padding: same", "    masks: no", 17, "trial.model.masks", "is text", "write false"),
    ("mode: max", "mode: maximum", 2, "objective.mode", "no such choice", "'max'"),
    ("choice: [64, 96]", "choice: []", 13, "trial.patch.size.choice", "at least one entry", "choice: [first, second]"),
    ("int: [2, 6]", "int: [6, 2]", 18, "trial.model.depth.int", "inverted", "int: [2, 6]"),
    ("int: [2, 6]", "int: [0, 6]", 18, "trial.model.depth.int.0", "at least 2", "at least 2"),
    ("float: [0.1, 0.9]", "float: [0.1, 1.5]", 23, "trial.sampler.one_of.1.keep.float.1", "at most 1", "at most 1"),
    ("float: [0.1, 0.9]", "float: [0, 0.9], log: true", 23, "trial.sampler.one_of.1.keep.float.0", "above zero", "above 0"),
    ("int: [2, 6]", "int: [2, 6], step: 3", 18, "trial.model.depth.step", "does not divide", "end the range at 5"),
    ("int: [2, 6]", "int: [2, 6], stpe: 2", 18, "trial.model.depth.stpe", "not a part", "'step'"),
    ("choice: [16, 32]", "choice: [16, 48]", 24, "trial.sampler.one_of.2.cell.choice.1", "no such choice", "32"),
    ("choice: [64, 96]", "choice: [64, 48]", 13, "trial.patch.size.choice.1", "nothing to choose below 64", "write 64"),
    ("choice: [64, 96]", "choice: [64, 71]", 13, "trial.patch.size.choice.1", "multiple of 2", "write 70 or 72"),
    ("choice: [64, 96]", "choice: [64, 1024]", 13, "trial.patch.size.choice.1", "smallest training photograph", "at most 500"),
    ("padding: same", "padding: valid", 13, "trial.patch.size.choice.0", "leaves 38 of these", "write 90 or more"),
    (
        "task: {kind: demosaic, phase: grbg}",
        "task: {kind: gaussian_denoise, color: gray}",
        32,
        "trial.evaluate.protocol.space",
        "3 channel(s), not 1",
        "space: gray",
    ),
    ("    width: 8", "    sigma_channel: true", 19, "trial.model.sigma_channel", "no noise level", "sigma_channel: false"),
    ("evaluate: {every: 20}", "evaluate: {every: 100}", 32, "trial.evaluate.every", "before its first evaluation", "at most 80"),
    ("first_rung: 20", "first_rung: 10", 4, "scheduler.first_rung", "before the first evaluation", "write 20 or more"),
    ("first_rung: 20", "first_rung: 80", 4, "scheduler.first_rung", "nothing is ever stopped", "less than 80"),
    ("kind: asha, first_rung: 20, reduction: 2", "kind: pbt, every: 30", 4, "scheduler.every", "evaluated every 20", "20 or 40"),
    ("kind: asha, first_rung: 20, reduction: 2", "kind: pbt, every: 80", 4, "scheduler.every", "nothing is ever", "less than 80"),
    ("kind: asha, first_rung: 20, reduction: 2", "kind: pbt", 4, "scheduler.every", "exchange every 8 steps", "every: 20"),
    ("warmup_steps: 5", "warmup_steps: 90", 29, "trial.recipe.schedule.warmup_steps", "within the warm-up", "less than 80"),
    ("budget: {trials: 8}", "budget: {}", 5, "budget", "no end", "trials: 20"),
    ("kind: tpe, startup_trials: 4", "kind: grid", 23, "trial.sampler.one_of.1.keep", "no end of values", "choice"),
    ("sampler.cell: 16", "sampler.cell: 64", 7, "published.0.values.sampler.cell", "outside its domain", "16, 32"),
    ("sampler.cell: 16", "sampler.cel: 16", 7, "published.0.values.sampler.cel", "not in this space", "sampler.cell"),
    ("baseline: {sampler:", "baseline: {samplr:", 8, "confirm.baseline.samplr", "no samplr", "'sampler'"),
    ("{kind: uniform}}}", "{kind: uniform, keep: 1}}}", 8, "confirm.baseline.sampler", "unknown key", "kind"),
    (", baseline: {sampler: {kind: uniform}}", "", 8, "confirm.baseline", "nothing to compare", "baseline"),
    ("workers: 1,", "workers: 0,", 9, "resources.workers", "at least 1", "at least 1"),
    ("cpus_per_worker: 1", "gpus_per_worker: 1.5", 9, "resources.gpus_per_worker", "must be whole", "correct"),
    ("workers: 1,", "workers: 3,", 31, "trial.batch", "shared evenly by 3", "write 9"),
    ("  data: {kind: photos}", "  data: {kind: folder}", 11, "trial.data", "give at least one of `train`", "correct the value"),
    ("  data: {kind: photos}", "  data: {kind: set5}", 11, "trial.data.root", "is missing", "add root"),
    (
        "  evaluate: {every: 20}",
        "  evaluate: {every: 20, protocol: {space: gray}}",
        32,
        "trial.evaluate.protocol.space",
        "1 channel(s), not 3",
        "rgb",
    ),
    ("{every: 20}", "{every: 20, protocol: sr-y-crp2}", 32, "trial.evaluate.protocol", "no protocol", "correct"),
    ("{every: 20}", "{every: 20, protocol: dn-gray-u8}", 32, "trial.evaluate.protocol", "1 channel(s), not 3", "rgb"),
    ("{every: 20}", "{every: 20, protocol: {space: rgb, crop: 200}}", 32, "trial.evaluate.protocol.crop", "nothing", "less than"),
    ("{every: 20}", "{every: 20, metrics: [fsmi]}", 32, "trial.evaluate.metrics", "did you mean 'fsim'", "correct"),
    (
        "{every: 20}",
        "{every: 20, metrics: [iw_ssim], protocol: {crop: 100}}",
        32,
        "trial.evaluate.metrics",
        "needs 161",
        "crop less",
    ),
    (
        "{every: 20}",
        "{every: 20, metrics: [fsimc], protocol: {space: y_studio}}",
        32,
        "trial.evaluate.metrics",
        "colours",
        "leave out",
    ),
    ("metric: psnr", "metric: fsim", 2, "objective.metric", "do not measure fsim", "add it to trial.evaluate.metrics"),
    ("metric: psnr", "metric: psrn", 2, "objective.metric", "do not measure psrn", "write one of psnr, ssim"),
    ("metric: psnr", "metric: macs_g", 2, "objective.metric", "is a fact", "put a metric first"),
    ("mode: max", "mode: max, constraints: [macs_g == 1]", 2, "objective.constraints.0", "by order", "macs_g <= 5"),
    ("mode: max", "mode: max, constraints: [macs < 1]", 2, "objective.constraints.0", "do not measure macs", "macs_g"),
    ("mode: max", "mode: max, constraints: [macs_g < 1e-9]", 2, "objective.constraints.0", "goes from", "smaller networks"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [batch <]", 6, "constraints.0", "ends where", "complete it"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [bach < 3]", 6, "constraints.0", "called bach", "'batch'"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [model.kind < 3]", 6, "constraints.0", "needs numbers", "=="),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [patch.size < 9]", 6, "constraints.0", "none of", "relax"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nconstraints: [sampler.cell != 16]", 8, "published.0.values", "not meet", "drop"),
    ("budget: {trials: 8}", "budget: {trials: 8}\nobjectives: [{metric: ssim}]", 1, "", "differ", "leave"),
    ("{kind: tpe,", "{kind: cmaes,", 3, "searcher.startup_trials", "unknown key", "spread"),
    ("choice: [64, 96]", "zip: a, values: [64, 96]", 13, "trial.patch.size.zip", "only leaf", "choice"),
    ("choice: [64, 96]", "pow2: [64, 96]", 13, "trial.patch.size.pow2.1", "power of two", "64 or 128"),
    ("trial:\n  data", "data: {kind: photos}\ntrial:\n  data", 10, "data", "unknown key", "trial"),
]
