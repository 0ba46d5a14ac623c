# make demo    SHA-256 of every file of Python's own standard library, through a pipeline of channels
# make check   everything that has to hold before a commit: lint, types, build, tests on every Python found
# make help    the other targets

# The Python of .venv, which holds the tools.
PYTHON ?= python3

# Every CPython from 3.11 on PATH or under pyenv, one a minor version, oldest first, as VERSION=PATH.
CANDIDATES := python3 python3.11 python3.12 python3.13 python3.14 python3.15 $(wildcard $(HOME)/.pyenv/versions/*/bin/python)
DESCRIBE := import platform, sys; v = sys.version_info; \
    v >= (3, 11) and v.releaselevel == "final" and platform.python_implementation() == "CPython" and \
    print(f"{v[0]}.{v[1]}={sys.executable}")
PYTHONS := $(shell for p in $(CANDIDATES); do "$$p" -c '$(DESCRIBE)' 2>/dev/null; done | sort -t= -k1,1V -u)
VERSIONS := $(foreach p,$(PYTHONS),$(firstword $(subst =, ,$(p))))
NEWEST := $(lastword $(VERSIONS))
OLDER := $(filter-out $(NEWEST),$(VERSIONS))

# $(call install,VENV,GROUP): the package, editable, and a group of pyproject.toml; constraints.txt fixes every version.
# The pip that Python brings may be too old to know groups.
PIP_INSTALL = bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
define install
$(1)/$(PIP_INSTALL) pip hatchling editables
$(1)/$(PIP_INSTALL) --no-build-isolation --editable . --group $(2)
touch $@
endef

# The steps print in this order, so that the last line of a run is pytest's summary.
.NOTPARALLEL:
.PHONY: help demo demo-remote check lint types dist docs test test-lowest coverage prove soak soak-remote violations violations-again bench bench-full bench-remote fmt clean $(VERSIONS:%=test-%)

help:
	@echo 'make demo        SHA-256 of every file of the standard library, through a pipeline of channels'
	@echo 'make demo-remote the same by four processes over a server of its own, one of which is killed; beside sha256sum'
	@echo 'make check       all of: lint types docs dist test'
	@echo 'make lint        ruff: rules and format; typos; the sentences in news/'
	@echo 'make types       mypy; stubtest, of the package and of stubs/; is every public name typed (pyright); six checkers on tests/typing'
	@echo 'make docs        run and type-check what the pages show; the site, into build/site, with warnings as errors'
	@echo 'make dist        build wheel and sdist into dist/, look into them, use the wheel on Python $(sort $(firstword $(VERSIONS)) $(NEWEST))'
	@echo 'make test        pytest on each of Python $(VERSIONS), the newest with coverage'
	@echo 'make test-$(NEWEST)   pytest on that Python alone'
	@echo 'make prove       the long runs: schedules of small programs, the model at random, and mutants that must be noticed'
	@echo 'make soak        random tasks on the real event loops, and storms of threads; 10 minutes each or MINUTES=1'
	@echo 'make soak-remote processes and Redis or Valkey servers that are killed and cut off; 10 minutes each or MINUTES=1'
	@echo 'make violations  the explorer on other libraries, into docs/violations.md; violations-again plays its schedules,'
	@echo '                 and tests the instrument'
	@echo 'make bench       speed and memory beside every peer on Python $(NEWEST), in some minutes; ends well either way'
	@echo 'make bench-full  the same on each Python and event loop, into docs/performance.md, in about an hour'
	@echo 'make bench-remote remote channels beside their peers, each server in 45 minutes; ARGS="--rounds 1 --few": in minutes'
	@echo 'make fmt         let ruff format and fix what it can'
	@echo 'make clean       remove all that these targets made'

demo: .venv/demo.ready
	@mkdir -p build
	.venv/bin/python examples/digest_tree.py --output build/demo.sha256 \
		"$$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
	@echo 'The digests are in build/demo.sha256; sha256sum --check --quiet build/demo.sha256 compares them'

# It may write no .pyc, since its own Python is what it reads.
demo-remote: export PYTHONDONTWRITEBYTECODE = 1
demo-remote: .venv/demo-remote.ready
	@mkdir -p build
	stdlib="$$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" && \
	.venv/bin/python examples/remote_digest.py --kill "$$stdlib" > build/demo-remote.sha256 && \
	find "$$stdlib" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | cmp - build/demo-remote.sha256
	@echo 'The digests are in build/demo-remote.sha256, and are those of sha256sum'

check: lint types docs dist test

NEWS = .venv/bin/python -m towncrier build --draft --version next

lint: .venv/dev.ready
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/typos
	@$(NEWS) > /dev/null 2>&1 || $(NEWS)

# pyright looks at the packages of the first Python on PATH.
types: export PATH := $(CURDIR)/.venv/bin:$(PATH)
types: .venv/dev.ready
	.venv/bin/python -m mypy
	.venv/bin/python -m mypy.stubtest --allowlist tests/typing/stubtest.txt aiochannel
	MYPYPATH=stubs .venv/bin/python -m mypy.stubtest --ignore-missing-stub $(notdir $(wildcard stubs/*))
	.venv/bin/python -m pyright --verifytypes aiochannel --ignoreexternal
	.venv/bin/python -m tests.typing.snapshot --check
	.venv/bin/python -m tests.typing.run

# On the oldest and the newest Python.
dist: .venv/dev.ready
	.venv/bin/python -m tools.dist $(foreach p,$(sort $(firstword $(PYTHONS)) $(lastword $(PYTHONS))),$(lastword $(subst =, ,$(p))))

# Not --quiet, which would hide the warnings from --strict too. The notice that is switched off advertises another program.
docs: export NO_MKDOCS_2_WARNING = 1
docs: .venv/docs.ready
	.venv/bin/python -m pytest --quiet tests/test_docs.py
	.venv/bin/python -m mkdocs build --strict
	@echo 'Now open build/site/index.html; with a search: python3 -m http.server --bind 127.0.0.1 --directory build/site'

test: $(OLDER:%=test-%) test-lowest coverage

# On all cores. Who has finished takes over tests of others.
PYTEST = bin/python -m pytest --quiet --numprocesses auto --dist worksteal

$(VERSIONS:%=test-%): test-%: .venv-%/ready
	.venv-$*/$(PYTEST)

# What pyproject.toml allows at the least of what remote channels need, and what that needs, on the oldest Python.
LOWEST := PyJWT==2.9.0 msgspec==0.20.0 redis==5.3.0 typing_extensions==4.13.0

test-lowest: .venv-lowest/ready
	.venv-lowest/$(PYTEST) tests/redis

coverage: .venv-$(NEWEST)/ready
	.venv-$(NEWEST)/$(PYTEST) --cov

# On the newest Python, which has eager tasks; each part uses two cores and ends with a line of its figures.
prove: .venv/dev.ready .venv-$(NEWEST)/ready
	.venv-$(NEWEST)/bin/python -m tests.explore --budget 10000 --draws 2500
	.venv-$(NEWEST)/bin/python -m tests.explore.watching
	.venv-$(NEWEST)/bin/python -m tests.explore.calling
	.venv-$(NEWEST)/bin/python -m tests.model
	.venv-$(NEWEST)/bin/python -m tests.interrupts
	.venv-$(NEWEST)/bin/python -m tests.interrupts --broadcast
	.venv-$(NEWEST)/bin/python -m tests.broadcast
	.venv-$(NEWEST)/bin/python -m tests.threads
	.venv-$(NEWEST)/bin/python -m tests.remote
	.venv-$(NEWEST)/bin/python -m tests.redis
	.venv-$(NEWEST)/bin/python -m tests.interrupts.watching
	.venv-$(NEWEST)/bin/python -m tests.interrupts.calling
	.venv-$(NEWEST)/bin/python -m tests.testing
	.venv-$(NEWEST)/bin/python -m tests.explore.mutants
	.venv/bin/python -m tests.typing.mutants

MINUTES ?= 10

soak: .venv/dev.ready
	.venv/bin/python -m tests.soak --minutes $(MINUTES)
	.venv/bin/python -m tests.threads --live --seconds $$(( $(MINUTES) * 4 ))

soak-remote: .venv/dev.ready
	.venv/bin/python -m tests.redis.soak --minutes $(MINUTES) --fsync always
	.venv/bin/python -m tests.redis.soak --minutes $(MINUTES) --fsync everysec

VIOLATIONS = .venv-bench-$(NEWEST)/bin/python -m tools.violations

violations: .venv-bench-$(NEWEST)/ready
	$(VIOLATIONS) --write docs/violations.md

violations-again: .venv-$(NEWEST)/ready .venv-bench-$(NEWEST)/ready
	.venv-$(NEWEST)/bin/python -m pytest --quiet tools
	$(VIOLATIONS) --reproduce docs/violations.md

BENCH = .venv-bench-$(NEWEST)/bin/python -m benchmarks

bench: .venv-bench-$(NEWEST)/ready
	$(BENCH) measure build/bench/quick.json --rounds 1 --few
	$(BENCH) table build/bench/quick.json

bench-full: $(VERSIONS:%=.venv-bench-%/ready)
	$(BENCH) all $(VERSIONS:%=.venv-bench-%/bin/python)

# A file for each server and each fsync; `python -m benchmarks.remote page FILE...` makes docs/performance-remote.md of them.
bench-remote: .venv-bench-remote/ready .venv-bench-remote-older/ready
	.venv-bench-remote/bin/python -m benchmarks.remote measure build/bench --older .venv-bench-remote-older/bin/python $(ARGS)

fmt: .venv/dev.ready
	.venv/bin/python -m ruff check --fix .
	.venv/bin/python -m ruff format .

clean:
	rm -rf .venv .venv-* build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A .ready file is as new as what its environment was made from.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear .venv

.venv/demo.ready: .venv/bin/python pyproject.toml constraints.txt
	$(call install,.venv,demo)

.venv/demo-remote.ready: .venv/bin/python pyproject.toml constraints.txt
	$(call install,.venv,demo-remote)

.venv/dev.ready: .venv/bin/python pyproject.toml constraints.txt
	$(call install,.venv,dev)

.venv/docs.ready: .venv/bin/python pyproject.toml constraints.txt
	$(call install,.venv,docs)

$(VERSIONS:%=.venv-%/bin/python): .venv-%/bin/python:
	$(patsubst $*=%,%,$(filter $*=%,$(PYTHONS))) -m venv --clear .venv-$*

$(VERSIONS:%=.venv-%/ready): .venv-%/ready: .venv-%/bin/python pyproject.toml constraints.txt
	$(call install,.venv-$*,test)

# Constraints of a directory's own: ours without these packages, of which it has others.
without = grep --invert-match $(patsubst %,--regexp='^%==',$2) constraints.txt > $1/constraints.txt
PIP_INSTALL_OWN = $1/$(PIP_INSTALL:constraints.txt=$1/constraints.txt)

.venv-lowest/ready: pyproject.toml constraints.txt
	$(patsubst $(firstword $(VERSIONS))=%,%,$(firstword $(PYTHONS))) -m venv --clear .venv-lowest
	$(call without,.venv-lowest,$(foreach each,$(LOWEST),$(firstword $(subst ==, ,$(each)))))
	printf '%s\n' $(LOWEST) >> .venv-lowest/constraints.txt
	$(call PIP_INSTALL_OWN,.venv-lowest) pip hatchling editables
	$(call PIP_INSTALL_OWN,.venv-lowest) --no-build-isolation --editable . --group test-remote
	touch $@

# Version 1.4.1 has the import name of this package, so it stands aside.
$(VERSIONS:%=.venv-bench-%/bin/python): .venv-bench-%/bin/python:
	$(patsubst $*=%,%,$(filter $*=%,$(PYTHONS))) -m venv --clear .venv-bench-$*

$(VERSIONS:%=.venv-bench-%/ready): .venv-bench-%/ready: .venv-bench-%/bin/python pyproject.toml constraints.txt
	.venv-bench-$*/$(PIP_INSTALL) --no-deps --upgrade --target .venv-bench-$*/aiochannel-1.4.1 aiochannel==1.4.1
	$(call install,.venv-bench-$*,bench)

# On the newest Python that has a wheel of every peer.
REMOTE_PYTHON := $(lastword $(filter-out 3.14=% 3.15=%,$(PYTHONS)))

.venv-bench-remote/bin/python .venv-bench-remote-older/bin/python: .venv-%/bin/python:
	$(lastword $(subst =, ,$(REMOTE_PYTHON))) -m venv --clear .venv-$*

.venv-bench-remote/ready: .venv-bench-remote/bin/python pyproject.toml constraints.txt
	$(call install,.venv-bench-remote,bench-remote)

# Without the package, and with the redis-py that its group says.
.venv-bench-remote-older/ready: .venv-bench-remote-older/bin/python pyproject.toml constraints.txt
	$(@D)/$(PIP_INSTALL) pip
	$(call without,$(@D),redis)
	$(call PIP_INSTALL_OWN,$(@D)) --group bench-remote-older
	touch $@
