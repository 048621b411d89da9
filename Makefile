# make report              the demo: set up .venv, run its pipeline, say where the report is
# make report STUDY=quick  another study (a folder of params/)
# make report IMAGES=path  images of your own: one sub-folder per class (or a zip of it), or a CSV file with path and label;
#                          MODELS=paper: the paper's five models as well
# make report RAY=auto     its trainings on the Ray cluster that this machine is part of: docs/machines.md
# make report JOBS=1      one stage at a time; without it as many as there are cores for
# make redo STUDY=small    its tables, figures and verdicts again, from the committed predictions alone
# make redo STUDY=answer   the pages of no single study, from tables: the answer of several, and what intervals are worth
# make lab                 JupyterLab on notebooks/
# make test                the checks, in minutes; make test-all: all of them
# make test-faults         twenty kills of a study, ten thousand odd inputs: half an hour
# make pipelines           dvc.yaml copied into the folder of every other study, after a change of it
# make site SITE=folder    all reports in one folder, for any web server; every link is checked
# make badges REPO=o/name  where the project is: the notebooks' Colab badges, and README's links to rendered pages
# make bench               what the attention and the pipeline cost, measured
STUDY ?= demo
PYTHON ?= python3
SITE ?= build/site
# what a shell may hold for other Pythons
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONSTARTUP PYTHONWARNINGS PYTHONINSPECT
# names of files are UTF-8, also where the locale says ASCII
export PYTHONUTF8 := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
REDO = 06_evaluate 07_figures 08_claims 09_report

.PHONY: report redo lab test test-all test-faults pipelines site badges bench again
report: .venv/ready
	@study="$(STUDY)"; $(if $(IMAGES),study=$$(python -m lib own "$$IMAGES" $(MODELS)) && python -m lib look $$study \
	$(if $(MODELS),&&,; exit $$?;)) \
	$(if $(RAY),python -m lib cluster $$study $(RAY) &&) python -m lib report $$study $(JOBS)

redo: .venv/ready
ifeq ($(STUDY),answer)
	@python -m lib answer
else
	@for notebook in $(REDO); do python -m lib execute $$notebook $(STUDY) || exit 1; done
	@python -m lib render $(STUDY) 06_evaluate 07_figures 08_claims index
endif

lab: .venv/ready
	jupyter lab notebooks

test: .venv/ready
	ruff check .
	ruff format --check .
	nbstripout --verify notebooks/*.ipynb
	python -m pytest -n auto --maxprocesses 4 --dist worksteal

test-all: .venv/ready
	python -m pytest -n auto --maxprocesses 4 --dist worksteal -m ""

test-faults: .venv/ready
	PYTHONPATH=tests python -m faults 20
	EXAMPLES=10000 python -m pytest tests/test_fuzz.py tests/test_files.py tests/test_fetch.py

pipelines: .venv/ready
	@python -m lib pipelines

site: .venv/ready
	@python -m lib site "$(SITE)"

badges:
	@echo "$(REPO)" | grep -qE '^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$$' || { echo "error: say owner/name, as in make badges REPO=somebody/something"; exit 1; }
	@sed -i -E 's#(github(\.com)?)/[^/ ]+/[^/ ]+(/blob/main/notebooks|\.git study)#\1/$(REPO)\3#' notebooks/*.ipynb
	@sed -i -E 's#\]\((https://[^/ )]+\.github\.io/[^/ )]+|reports)/([^ )]*index\.html)\)#](https://$(word 1,$(subst /, ,$(REPO))).github.io/$(word 2,$(subst /, ,$(REPO)))/\2)#g' README.md

bench: .venv/ready
	python -m tests.bench

# again: where the Python that .venv was made with is gone, or another user's
.venv/ready: requirements-dev.txt requirements.txt constraints.txt $(shell test -x .venv/bin/python || echo again)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or later is needed; name one as PYTHON=...")'
	@$(PYTHON) .setup/environment.py $(filter %.txt,$^)

again:
