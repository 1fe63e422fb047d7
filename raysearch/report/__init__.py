"""Reports: a run's results as a paper would print them, in one HTML file that makes no request.

`raysearch.report.page.write_report` is the way in. Sections (`raysearch.report.sections`) turn a run into the blocks of
`raysearch.report.document`; `raysearch.report.page` prints these as HTML. Neither torch, nor Ray, nor Optuna is imported.
"""
