# Each target sets up what it needs by itself: on Debian with apt, elsewhere it says what to
# install. All that is made goes to build/; the output of each step is kept in build/log/.

.PHONY: install demo check check-r45 check-bare check-deep check-windows check-mounts check-pages \
    coverage soak fuzz bench docs site lint format clean

# Installs the package with its vignettes, where R keeps its packages.
install:
	@tools/setup package vignettes
	@tools/install whole

# A long fit, killed in the middle, resumed, and returned.
demo:
	@tools/setup package demo
	@tools/install
	@R_LIBS=build/library Rscript inst/examples/resume.R

# All tests, and R CMD check --as-cran.
check:
	@tools/setup package check
	@tools/check

# The same on the R of Debian 13, in a tree of its own; as root.
check-r45:
	@tools/setup r45
	@tools/r45

# R CMD check with nothing installed but what the package must have.
check-bare:
	@tools/setup package check
	@tools/bare

# Which lines the tests run; fails below 90 %.
coverage:
	@tools/setup package check coverage
	@tools/coverage

# Valgrind, gctorture, compilers and static analysis; takes long.
check-deep:
	@tools/setup package check deep
	@tools/deep

# The examples of help pages, plain and with every fit in warm(); takes long.
check-pages:
	@tools/setup package check
	@tools/install
	@tools/pages

# Ten thousand kills, sixteen processes at one store for a minute, and twenty thousand random fits;
# takes long.
soak:
	@tools/setup package check
	@tools/soak

# Compiles the core for Windows, and runs its C tests under wine.
check-windows:
	@tools/setup package windows
	@tools/windows

# The tests of stores and sessions on other file systems, which it mounts; as root; takes long.
check-mounts:
	@tools/setup package check mounts
	@tools/mounts

# Fuzzes what reads bytes from outside, FUZZ_SECONDS (60) for each target.
fuzz:
	@tools/setup package fuzz
	@tools/fuzz

# Measurements, as ratios in one run.
bench:
	@tools/setup package check bench
	@tools/install
	@tools/bench

# NAMESPACE, man/, and the vignettes in build/docs/.
docs:
	@tools/setup package check docs
	@tools/docs

# The web site, in build/site.
site:
	@tools/setup package check docs site
	@tools/install
	@tools/site

# Style of the R, C and shell code, and spelling.
lint:
	@tools/setup package check lint
	@tools/lint

format:
	@tools/setup lint
	clang-format -i src/*.[ch] src/core/*.[ch] tests/core/*.[ch] fuzz/*.[ch]

clean:
	./cleanup
	rm -rf build
