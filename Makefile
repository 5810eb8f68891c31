# What a person needs daily. All the rest: go run ./cmd/dev help

.DEFAULT_GOAL := help
SHELL := /bin/bash

# One set for build, vet and test, or the build cache splits. The same as devstack.GoFlags.
export GOFLAGS := -trimpath -tags=lambda.norpc -buildvcs=false

# Built, not `go run`, which would hide exit codes and not pass signals on.
# Its first compilation takes a while, which counts toward the time that it reports.
DEV := export ORDERFLOW_BEGAN=$$(date +%s); test -x .tools/bin/dev || echo 'Compiling the developer'"'"'s command, once' >&2; \
	go build -o .tools/bin/dev ./cmd/dev && .tools/bin/dev

# USER is in every environment: only `make token USER=…` counts.
ifneq ($(origin USER),command line)
USER := alice
endif
ROLE ?=
FN ?=
SEED ?=
ORDER ?=
STAGE ?= dev
DISCOVERY ?=
TARGET ?=
AUTHORIZER ?=
BROKERS ?=
ARCH ?= arm64
PARAMETERS ?=
TESTFLAGS ?=
ONLY ?=
WITHIN ?=

.PHONY: help setup up down demo drill demo-strangler demo-brokers demo-split token logs test test-all sim prove lint build deploy clean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "; print "usage: make TARGET\n"} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2} \
		END {print "\nProofs, measurements and the rest: go run ./cmd/dev help"}' $(MAKEFILE_LIST)

setup: ## Install the pinned tools into .tools/
	@$(DEV) setup

up: ## Build, start and deploy everything on this machine, with a demo order (TARGET=localstack, AUTHORIZER=none, BROKERS=yes)
	@$(DEV) up $(if $(filter yes,$(BROKERS)),--brokers) $(if $(TARGET),--target $(TARGET)) $(if $(DISCOVERY),--discovery $(DISCOVERY)) $(if $(filter none,$(AUTHORIZER)),--no-authorizer)

down: ## Stop everything that `make up` started, and remove .local/
	@$(DEV) down

demo: ## Place six orders, five of them troubled, and show what became of each
	@$(DEV) demo

drill: ## Make four troubles of an operator at night, and cure each by its runbook
	@$(DEV) drill

demo-strangler: ## Move the old shop's clients to the services and half of them back, under load
	@$(DEV) demo-strangler

demo-brokers: ## Kill brokers under load and compare reports, orders, ledger and stock (make up BROKERS=yes)
	@$(DEV) demo-brokers

demo-split: ## Move a stage from functions to one process and back, under load
	@$(DEV) demo-split

token: ## Print a bearer token (USER=alice ROLE=operator)
	@go run ./cmd/orderflow token --user '$(USER)' --role '$(ROLE)'

logs: ## Print and follow what a function logs (FN=place-order)
	@test -n '$(FN)' || { echo "which function? make logs FN=place-order" >&2; exit 2; }
	@$(DEV) logs --follow '$(FN)'

test: ## Run all tests, with an emulator of their own
	@$(DEV) test $(if $(TESTFLAGS),-- $(TESTFLAGS))

test-all: ## Run every suite that this machine can run, and show how much of each passed (ONLY=lint,sam WITHIN=25m)
	@$(DEV) test-all $(if $(ONLY),--only $(ONLY)) $(if $(WITHIN),--within $(WITHIN))

sim: ## Simulate 24,000 orders under injected faults (SEED=7 replays one, ORDER=… follows one order)
	@$(DEV) sim $(if $(SEED),--seed $(SEED)) $(if $(ORDER),--order $(ORDER))

prove: ## Search every way in which a saga, or a request between two shops, can go wrong
	@$(DEV) prove

lint: ## Check Go, templates and state machines
	@$(DEV) setup --lint
	@tools/lint.sh

build: ## Build every function for deployment (ARCH=arm64 or x86_64)
	@$(DEV) build --arch $(ARCH)

deploy: setup ## Check the account, build and deploy to AWS with your credentials (STAGE=dev or prod, PARAMETERS='Name=value …')
	@$(DEV) deploy --stage '$(STAGE)' --parameters '$(PARAMETERS)'

clean: down ## Remove everything that was built or installed
	rm -rf .tools .build .aws-sam
