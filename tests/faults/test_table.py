"""The table of faults: what may happen to a run, and the tests that make it happen.

Each of them injects the fault, goes on with the run where it has ended, and checks of the invariants I1 to I6 (`invariants`) those
that can be broken. Those that are named without a folder stand in this one.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

KILLED = "test_everywhere.py::test_a_kill_at_any_record_changes_nothing"
IN_RAY = "test_in_ray.py::test_processes_that_die_hang_or_have_to_leave"
MACHINES = "test_in_ray.py::test_bad_machines_are_avoided_and_dead_ones_left"
WRONG = "test_trials_that_go_wrong.py::"
FULL = "test_full_disks.py::"
GONE = "test_disks_that_go.py::"
DRIVERS = "test_dying_drivers.py::"
POOR = "test_poor_machines.py::"
CHANGES = "test_changes_between_drivers.py::"
QUARANTINE = "test_quarantine.py::"
JOURNAL = "results/test_journal.py::"
DAMAGE = "results/test_journal_damage.py::"

TABLE: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "the driver gets SIGINT once or twice, SIGTERM, SIGHUP, or SIGKILL at any moment",
        (
            f"{DRIVERS}test_a_study_outlives_its_drivers",
            f"{DRIVERS}test_a_signal_ends_a_study_in_an_orderly_way",
            f"{DRIVERS}test_a_second_interrupt_ends_the_driver_at_once",
            f"{DRIVERS}test_a_closed_terminal_ends_nothing_that_was_started_to_outlive_it",
            KILLED,
            "test_everywhere.py::test_three_kills_of_one_run_change_nothing",
            "search/test_group_signals.py::test_a_signal_to_the_whole_process_group_is_an_orderly_end",
            "search/test_group_signals.py::test_a_driver_whose_ray_got_the_signal_too_says_so_and_ends",
        ),
    ),
    2: (
        "a trial's process is killed, leaves with os._exit, or has a segmentation fault",
        (
            IN_RAY,
            f"{WRONG}test_a_trial_is_tried_as_often_as_configured",
            "search/test_driver.py::test_each_way_to_end_is_told_as_what_it_is",
            "search/test_ray_train.py::test_a_stopped_trial_of_two_workers_leaves_nothing_and_the_next_one_starts",
            "search/test_ray_train.py::test_as_many_trials_as_there_are_cpus_finish_even_if_the_process_of_one_is_killed",
        ),
    ),
    3: (
        "a machine dies, or the only one and others come; the head of the cluster dies",
        (
            MACHINES,
            "test_in_ray.py::test_a_study_waits_for_a_machine_and_uses_those_that_are_added",
            f"{DRIVERS}test_a_study_outlives_the_head_of_its_cluster",
        ),
    ),
    4: (
        "a trial's process is asked to leave its machine",
        (
            IN_RAY,
            "train/test_leaving.py::test_a_trial_that_was_asked_to_leave_ends_bit_equal",
            "train/test_leaving.py::test_all_ranks_leave_when_one_is_asked_and_pieces_work_with_several",
        ),
    ),
    5: (
        "a disk is full: under the journal, a checkpoint, the report",
        (
            f"{FULL}test_a_full_disk_in_a_trial_stops_the_run_with_place_and_reason",
            f"{FULL}test_the_study_waits_for_the_journals_disk",
            f"{FULL}test_a_journal_that_stays_full_stops_the_run_which_goes_on_later",
            f"{FULL}test_a_file_size_limit_is_a_full_disk",
            f"{FULL}test_a_report_on_a_full_disk_says_so_and_leaves_the_old_one",
            "train/test_leaving.py::test_a_full_disk_leaves_the_checkpoint_before",
        ),
    ),
    6: (
        "the journal is cut, flipped, emptied, has other line ends or half records at its end",
        (
            "test_everywhere.py::test_a_journal_cut_at_any_byte_of_its_last_records_goes_on_from_there",
            "test_everywhere.py::test_a_flipped_byte_in_the_middle_is_refused_and_repaired",
            f"{DAMAGE}test_cutting_at_every_byte_of_the_last_records_loses_only_what_was_cut",
            f"{DAMAGE}test_any_flipped_byte_before_the_last_record_is_damage",
            f"{JOURNAL}test_an_empty_file_is_an_empty_journal",
            f"{JOURNAL}test_crlf_line_ends_read_the_same",
            f"{DAMAGE}test_two_half_records_at_the_end_are_a_torn_tail",
        ),
    ),
    7: (
        "a checkpoint is truncated, garbled, missing, or another network's",
        (
            f"{GONE}test_a_checkpoint_that_can_not_be_used_costs_time_only",
            "train/test_checkpoint.py::test_a_flipped_bit_is_noticed_wherever_it_is",
        ),
    ),
    8: (
        "a loss or a metric is NaN, infinite, missing, or no number",
        (
            f"{WRONG}test_odd_metrics_are_invalid_and_never_best",
            "search/test_driver.py::test_each_way_to_end_is_told_as_what_it_is",
        ),
    ),
    9: (
        "memory does not suffice: on the GPU, on the CPU, or Ray ends the process",
        (
            f"{WRONG}test_lack_of_memory_is_an_answer",
            f"{WRONG}test_lack_of_memory_may_halve_the_batch",
            f"{WRONG}test_an_interrupted_trial_remembers_its_pieces",
            f"{WRONG}test_what_ray_ends_for_lack_of_memory_is_known_as_that",
        ),
    ),
    10: (
        "a trial hangs, alone or with the other ranks in a barrier",
        (IN_RAY, "test_in_ray.py::test_a_rank_that_hangs_takes_its_trial_along_and_the_next_attempt_goes_on"),
    ),
    11: (
        "two drivers want one run; a lock is left by the dead or held on another host",
        (
            f"{WRONG}test_two_drivers_never_work_on_one_run",
            "results/test_lock.py::test_a_living_driver_keeps_its_run_however_old_the_lock_is_and_a_killed_one_loses_it",
            "results/test_lock.py::test_many_that_take_over_at_once_leave_one_holder",
            "results/test_lock.py::test_dead_is_only_said_where_it_is_certain",
            "results/test_lock.py::test_a_lock_of_another_host_is_never_taken",
            "e2e/test_main_job.py::test_the_same_name_twice_is_refused_before_anything_starts",
        ),
    ),
    12: (
        "a disk or a storage is gone, comes back, fails, is slow; a folder is renamed; the terminal is gone",
        (
            f"{GONE}test_a_trial_waits_for_a_folder_that_is_gone_for_a_while",
            f"{GONE}test_what_is_gone_for_good_stops_the_run_and_is_not_made_anew",
            f"{GONE}test_a_slow_disk_delays_and_changes_nothing",
            f"{FULL}test_a_failing_disk_under_a_trial_is_no_trials_fault",
            f"{WRONG}test_a_run_whose_folder_was_renamed_goes_on_where_it_is",
            f"{WRONG}test_missing_photographs_stop_the_run_which_goes_on_when_they_are_back",
            f"{WRONG}test_an_observer_that_fails_stops_nothing",
            "search/test_remote.py::test_a_storage_that_is_gone_ends_no_trial_and_gets_the_rest_when_it_is_back",
        ),
    ),
    13: ("the clock jumps", ("test_everywhere.py::test_a_clock_that_jumps_changes_nothing",)),
    14: (
        "code, packages or study change between two drivers",
        (
            f"{CHANGES}test_other_code_or_packages_are_refused_until_they_are_accepted",
            f"{CHANGES}test_a_study_that_was_edited_is_refused_until_it_is_accepted",
            f"{CHANGES}test_the_same_again_needs_nothing",
        ),
    ),
    15: (
        "all trials fail, the first one does, or all on one machine",
        (
            f"{WRONG}test_when_all_trials_fail_the_run_says_so",
            f"{WRONG}test_too_many_failures_end_the_search",
            f"{WRONG}test_a_first_trial_that_fails_stops_nothing",
            MACHINES,
            f"{QUARANTINE}test_so_many_quick_failures_of_one_cause_in_a_row",
            f"{QUARANTINE}test_the_last_machine_is_never_avoided",
            f"{QUARANTINE}test_what_says_that_the_machine_is_not_to_blame",
            f"{QUARANTINE}test_nothing_is_avoided_when_nobody_wants_it",
        ),
    ),
    16: (
        "10,000 trials, a million reports, odd names",
        ("test_large_runs.py::test_ten_thousand_trials_under_odd_names",),
    ),
    17: (
        "no dashboard, no GPU, an old driver of CUDA, no home that can be written, no network",
        (
            f"{POOR}test_without_a_dashboard_a_study_runs_with_one_warning",
            f"{POOR}test_a_ray_that_never_starts_is_told_once_with_what_to_do",
            f"{POOR}test_without_a_home_the_token_lives_as_long_as_the_study",
            f"{POOR}test_with_a_home_the_token_is_kept_there_for_its_owner_only",
            f"{POOR}test_without_a_home_photographs_are_kept_beside_the_runs",
            f"{POOR}test_a_cache_that_was_asked_for_and_can_not_be_is_refused",
            f"{POOR}test_a_driver_of_cuda_that_is_too_old_leaves_the_cpu",
            f"{POOR}test_without_a_network_nothing_is_missed",
        ),
    ),
    18: ("a budget ends in the middle", (f"{WRONG}test_a_budget_that_ends_in_the_middle_leaves_a_whole_result",)),
}
"""By row: the fault, and its tests."""


@cache
def functions_of(file: Path) -> frozenset[str]:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(part.name for part in body if isinstance(part, ast.FunctionDef) and part.name.startswith("test_"))


def place_of(name: str) -> tuple[Path, str]:
    file, _, test = name.partition("::")
    return (TESTS / file if "/" in file else Path(__file__).with_name(file)), test


def test_every_row_is_there() -> None:
    assert list(TABLE) == list(range(1, 19))


@pytest.mark.parametrize("row", TABLE)
def test_the_tests_of_a_row_exist(row: int) -> None:
    fault, names = TABLE[row]
    assert fault
    assert names
    for name in names:
        file, test = place_of(name)
        assert test in functions_of(file), f"row {row} names {name}"


def test_every_test_of_a_fault_stands_in_the_table() -> None:
    named = {place_of(name) for _, names in TABLE.values() for name in names}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        missing = {test for test in functions_of(file) if (file, test) not in named}
        assert file == Path(__file__) or not missing, f"{file.name}: {missing}"
