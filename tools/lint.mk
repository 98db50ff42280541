# SPDX-License-Identifier: Apache-2.0
# The checks of `make lint`. Each part is a target of its own, so that they
# run side by side; each file is checked again only when it changed.

CLANG        ?= clang
CLANG_FORMAT ?= clang-format
CLANG_TIDY   ?= clang-tidy
CPPCHECK     ?= cppcheck
L            := $(B)/lint

LINT_PARTS := rules headers clang format tidy cppcheck scripts man
.PHONY: lint format $(addprefix lint-,$(LINT_PARTS))
lint: $(addprefix lint-,$(LINT_PARTS))

lint-rules:
	tools/lint

LINT_HOST_C   := $(wildcard host/*.c image/*.c launch/*.c http/*.c cli/*.c \
	spawner/*.c daemon/*.c daemon/*/*.c rewrite/*.c unpack/*.c \
	monitor/*.c monitor/gen/*.c monitor/substrates/*.c)
LINT_KERNEL_C := $(wildcard lib/*.c $(addsuffix /*.c,$(addprefix kernel/,\
	core fs net dev sys arch/x86_64)))
LINT_TEST_C   := $(wildcard tests/unit/*.c tests/fuzz/*.c)
LINT_GUEST_C  := $(wildcard tests/abi/*.c tests/guest/*/*.c examples/*/*.c)
LINT_HOST_H   := $(wildcard host/*.h image/*.h launch/*.h http/*.h cli/*.h \
	spawner/*.h daemon/*.h daemon/*/*.h rewrite/*.h unpack/*.h \
	monitor/*.h monitor/substrates/*.h tests/*/*.h)
LINT_KERNEL_H := $(wildcard abi/*.h lib/*.h kernel/*.h kernel/*/*.h \
	kernel/arch/x86_64/*.h)

# ---- every header compiles alone -------------------------------------------
LINT_SYNTAX = -fsyntax-only -Wno-unused-function -Wno-unused-variable -x c

$(L)/host/%.h.ok: %.h
	@mkdir -p $(@D)
	@$(CC) $(filter-out -MP,$(HOST_CFLAGS)) -MF $@.d -MT $@ \
		$(LINT_SYNTAX) $<
	@touch $@
$(L)/kernel/%.h.ok: %.h
	@mkdir -p $(@D)
	@$(CC) $(filter-out -MP,$(KERNEL_CFLAGS)) -MF $@.d -MT $@ \
		$(LINT_SYNTAX) $<
	@touch $@
lint-headers: $(LINT_HOST_H:%=$(L)/host/%.ok) \
	$(LINT_KERNEL_H:%=$(L)/kernel/%.ok)

# ---- clang's warnings -------------------------------------------------------
CLANG_WARN   := -Wconditional-uninitialized -Wcomma \
	-Wno-unknown-warning-option -Wno-gnu-variable-sized-type-not-at-end
CLANG_DROP   := -fno-tree-loop-distribute-patterns -MMD -MP -g
CLANG_HOST    = $(filter-out $(CLANG_DROP),$(HOST_CFLAGS)) $(CLANG_WARN)
CLANG_INC    := $(shell $(CLANG) -print-resource-dir 2>/dev/null)/include
CLANG_KERNEL  = $(filter-out $(CLANG_DROP),\
	$(subst $(GCC_INC),$(CLANG_INC),$(KERNEL_CFLAGS))) $(CLANG_WARN)
CLANG_TESTS   = $(CLANG_HOST) -iquote kernel -Wno-missing-prototypes

$(L)/host/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(CLANG_HOST) -MMD -MP -c $< -o $@
$(L)/kernel/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(CLANG_KERNEL) -MMD -MP -c $< -o $@
$(L)/tests/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(CLANG_TESTS) -MMD -MP -c $< -o $@
lint-clang: $(LINT_HOST_C:%.c=$(L)/host/%.o) \
	$(LINT_KERNEL_C:%.c=$(L)/kernel/%.o) \
	$(LINT_TEST_C:%.c=$(L)/tests/%.o)

# ---- formatting -------------------------------------------------------------
FORMAT_FILES := $(LINT_HOST_C) $(LINT_KERNEL_C) $(LINT_TEST_C) \
	$(LINT_GUEST_C) $(LINT_HOST_H) $(LINT_KERNEL_H) $(wildcard bench/*.[ch])
$(L)/format.ok: $(FORMAT_FILES) .clang-format
	@mkdir -p $(@D)
	$(call say,FORMAT,$@)
	$(Q)$(CLANG_FORMAT) --dry-run -Werror \
		$(if $(filter .clang-format,$?),$(FORMAT_FILES),$?)
	@touch $@
lint-format: $(L)/format.ok
format:
	$(CLANG_FORMAT) -i $(FORMAT_FILES)

# ---- clang-tidy -------------------------------------------------------------
# The analyzer takes most of the time of all of lint; ./test leaves it out
# (TIDY_DEPTH=shallow), ./test --full and make lint do not.
TIDY_DEPTH ?= deep
ifeq ($(TIDY_DEPTH),shallow)
TIDY_ARGS := --checks=-clang-analyzer-*
else
TIDY_ARGS := --extra-arg=-Xclang --extra-arg=-analyzer-config \
	--extra-arg=-Xclang --extra-arg=mode=deep
endif
$(L)/tidy-$(TIDY_DEPTH)-host/%.ok: %.c $(L)/host/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)$(CLANG_TIDY) --quiet $(TIDY_ARGS) $< -- $(CLANG_HOST) 2>$@.log || \
		{ cat $@.log; exit 1; }
	@touch $@
$(L)/tidy-$(TIDY_DEPTH)-kernel/%.ok: %.c $(L)/kernel/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)$(CLANG_TIDY) --quiet $(TIDY_ARGS) $< -- $(CLANG_KERNEL) \
		2>$@.log || \
		{ cat $@.log; exit 1; }
	@touch $@
lint-tidy: $(LINT_HOST_C:%.c=$(L)/tidy-$(TIDY_DEPTH)-host/%.ok) \
	$(LINT_KERNEL_C:%.c=$(L)/tidy-$(TIDY_DEPTH)-kernel/%.ok)

# ---- cppcheck ---------------------------------------------------------------
CPPCHECK_FLAGS := --quiet --std=c11 --language=c --platform=unix64 \
	--enable=warning,performance,portability --error-exitcode=1 \
	--inline-suppr --suppressions-list=tools/cppcheck-suppressions \
	-I. -Ikernel -D__x86_64__ -D__CPPCHECK__ --max-configs=1 -j2 \
	--cppcheck-build-dir=$(L)/cppcheck
lint-cppcheck:
	@mkdir -p $(L)/cppcheck
	$(call say,CHECK,cppcheck)
	$(Q)$(CPPCHECK) $(CPPCHECK_FLAGS) $(LINT_HOST_C) $(LINT_KERNEL_C)

# ---- scripts and man pages --------------------------------------------------
# shellcheck knows neither what $LIB is nor that all run with -e.
LINT_PY := $(wildcard tools/*.py tests/*.py tests/*/*.py bench/*.py \
	bench/compare/*.py tests/*/*/*.py builders/*/*.py examples/*/*.py) \
	tools/lint tools/compatibility tools/gen-tests-mk tools/run-tests \
	$(addprefix bench/,start syscall http idle clones run page snapshot)
LINT_SH := $(wildcard builders/*.sh builders/*/detect builders/*/build) \
	$(wildcard tests/*.sh tests/*/*.sh tests/*/*/*.sh bench/*.sh) \
	$(wildcard test quickstart compare .ci/run tools/install-deps \
	tools/lint-all tools/run-fuzz)
lint-scripts:
	$(Q)python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) \
		for f in sys.argv[1:]]' $(LINT_PY)
	$(Q)for f in $(LINT_SH); do sh -n $$f || exit 1; done
	$(Q)shellcheck -s sh -x -P SCRIPTDIR --severity=warning \
		-e SC1090,SC1091,SC2164 $(LINT_SH)

LINT_MAN := $(wildcard docs/man/*.[1-8])
lint-man:
	$(Q)for f in $(LINT_MAN); do mandoc -T lint -W warning $$f || \
		exit 1; done
