# Everything that a newcomer, an examiner and the continuous integration call.
# `make demo` and `make test` install what is missing first; nothing else needs to be set up.

SWIFT  ?= swift
PREFIX ?= /usr/local
SOURCES := Sources Tests Plugins Package.swift $(wildcard Benchmarks/Package.swift Benchmarks/Sources \
           Fuzzing/Package.swift Fuzzing/Sources)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test format lint audit images bench install clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Check for Swift and install the missing packages of packages.txt
	@scripts/install-packages

build: setup ## Build the exhibit command (release)
	$(SWIFT) build --configuration release --product exhibit

demo: setup ## Take a sample image through to a signed report in demo-case/
	@SWIFT="$(SWIFT)" scripts/demo

test: setup ## Run every test
	$(SWIFT) test

format: ## Format the sources in place
	$(SWIFT) format --in-place --recursive --parallel $(SOURCES)

lint: ## Check the format of the sources
	$(SWIFT) format lint --strict --recursive --parallel $(SOURCES)

audit: setup ## Check test-images against CHAIN_OF_CUSTODY.md
	$(SWIFT) package audit-custody

images: setup ## Rebuild test-images and its provenance table from the recipes
	$(SWIFT) package --allow-writing-to-package-directory build-test-images
	$(SWIFT) package --allow-writing-to-package-directory build-test-images --update-table

bench: build ## Measure speed and memory, and score carving
	@Benchmarks/run

install: build ## Install under PREFIX (/usr/local), DESTDIR before it
	@SWIFT="$(SWIFT)" scripts/install-exhibit "$(DESTDIR)" "$(PREFIX)"

clean: ## Remove what was built, and the demo
	$(SWIFT) package clean
	rm -rf .build/test-images demo-case
