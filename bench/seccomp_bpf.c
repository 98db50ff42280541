/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluates a seccomp filter with unknown arguments. Classic BPF jumps only
 * forwards, so one pass from the first instruction to the last sees every
 * way: each instruction keeps the states that it can be reached with, at
 * most STATES_MAX of them, beyond which they become one state in which
 * nothing is known. So the time is bounded by the filter's length.
 */
#include "bench/seccomp_bpf.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdlib.h>

#define STATES_MAX 8

struct value {
	bool known;
	uint32_t v;
};

struct state {
	struct value a, x, memory[BPF_MEMWORDS];
};

struct place { /* an instruction */
	struct state states[STATES_MAX];
	int count;
};

struct evaluation {
	const struct sock_filter *filter;
	size_t count;
	struct value nr, arch;
	struct place *places;
	unsigned int outcomes;
};

static const struct value unknown;

static struct value value_of(uint32_t v)
{
	return (struct value){ true, v };
}

static bool value_same(struct value a, struct value b)
{
	return a.known == b.known && (!a.known || a.v == b.v);
}

static bool state_same(const struct state *a, const struct state *b)
{
	for (int i = 0; i < BPF_MEMWORDS; i++) {
		if (!value_same(a->memory[i], b->memory[i]))
			return false;
	}
	return value_same(a->a, b->a) && value_same(a->x, b->x);
}

/* The instruction can also be reached like this. */
static int go_to(struct evaluation *e, size_t at, const struct state *s)
{
	struct place *p;

	if (at >= e->count)
		return -EINVAL;
	p = &e->places[at];
	for (int i = 0; i < p->count; i++) {
		if (state_same(&p->states[i], s))
			return 0;
	}
	if (p->count < STATES_MAX) {
		p->states[p->count++] = *s;
		return 0;
	}
	p->count = 1;
	p->states[0] = (struct state){ 0 };
	return 0;
}

/* A word of struct seccomp_data. */
static int load_data(const struct evaluation *e, uint32_t offset,
		     struct value *ret)
{
	if (offset % 4 || offset >= sizeof(struct seccomp_data))
		return -EINVAL;
	if (offset == offsetof(struct seccomp_data, nr))
		*ret = e->nr;
	else if (offset == offsetof(struct seccomp_data, arch))
		*ret = e->arch;
	else
		*ret = unknown;
	return 0;
}

static int step_load(const struct evaluation *e, const struct sock_filter *f,
		     struct state *s)
{
	struct value *to = BPF_CLASS(f->code) == BPF_LD ? &s->a : &s->x;

	switch (BPF_MODE(f->code)) {
	case BPF_IMM:
		*to = value_of(f->k);
		return 0;
	case BPF_LEN:
		*to = value_of(sizeof(struct seccomp_data));
		return 0;
	case BPF_ABS:
		return load_data(e, f->k, to);
	case BPF_MEM:
		if (f->k >= BPF_MEMWORDS)
			return -EINVAL;
		*to = s->memory[f->k];
		return 0;
	default:
		return -EINVAL;
	}
}

static int step_store(const struct sock_filter *f, struct state *s)
{
	if (f->k >= BPF_MEMWORDS)
		return -EINVAL;
	s->memory[f->k] = BPF_CLASS(f->code) == BPF_ST ? s->a : s->x;
	return 0;
}

static int compute(uint16_t op, uint32_t b, uint32_t *a)
{
	switch (op) {
	case BPF_ADD:
		*a += b;
		return 0;
	case BPF_SUB:
		*a -= b;
		return 0;
	case BPF_MUL:
		*a *= b;
		return 0;
	case BPF_DIV:
		*a = b ? *a / b : 0;
		return 0;
	case BPF_AND:
		*a &= b;
		return 0;
	case BPF_OR:
		*a |= b;
		return 0;
	case BPF_XOR:
		*a ^= b;
		return 0;
	case BPF_LSH:
		*a = b < 32 ? *a << b : 0;
		return 0;
	case BPF_RSH:
		*a = b < 32 ? *a >> b : 0;
		return 0;
	case BPF_NEG:
		*a = -*a;
		return 0;
	default:
		return -EINVAL;
	}
}

static int step_compute(const struct sock_filter *f, struct state *s)
{
	uint16_t op = BPF_OP(f->code);
	struct value b = BPF_SRC(f->code) == BPF_X ? s->x : value_of(f->k);

	s->a.known = s->a.known && (b.known || op == BPF_NEG);
	return compute(op, b.v, &s->a.v);
}

static int compare(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JSET:
		return (a & b) != 0;
	default:
		return -EINVAL;
	}
}

/* Goes on at one place, or at both if it depends on what is not known. */
static int step_jump(struct evaluation *e, size_t at, const struct state *s)
{
	const struct sock_filter *f = &e->filter[at];
	uint16_t op = BPF_OP(f->code);
	struct value b = BPF_SRC(f->code) == BPF_X ? s->x : value_of(f->k);
	int taken, r;

	if (op == BPF_JA)
		return go_to(e, at + 1 + f->k, s);
	taken = compare(op, s->a.v, b.v);
	if (taken < 0)
		return taken;
	if (s->a.known && b.known)
		return go_to(e, at + 1 + (taken ? f->jt : f->jf), s);
	r = go_to(e, at + 1 + f->jt, s);
	return r < 0 ? r : go_to(e, at + 1 + f->jf, s);
}

static unsigned int outcome_of(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return SECCOMP_MAY_RUN;
	default:
		return SECCOMP_MAY_FAIL;
	}
}

static int step_return(struct evaluation *e, const struct sock_filter *f,
		       const struct state *s)
{
	struct value v = BPF_RVAL(f->code) == BPF_A ? s->a : value_of(f->k);

	e->outcomes |= v.known ? outcome_of(v.v) :
				 SECCOMP_MAY_RUN | SECCOMP_MAY_FAIL;
	return 0;
}

/* One instruction in one of its states. */
static int step(struct evaluation *e, size_t at, struct state s)
{
	const struct sock_filter *f = &e->filter[at];
	int r;

	switch (BPF_CLASS(f->code)) {
	case BPF_RET:
		return step_return(e, f, &s);
	case BPF_JMP:
		return step_jump(e, at, &s);
	case BPF_ALU:
		r = step_compute(f, &s);
		break;
	case BPF_ST:
	case BPF_STX:
		r = step_store(f, &s);
		break;
	case BPF_MISC:
		r = 0;
		if (BPF_MISCOP(f->code) == BPF_TAX)
			s.x = s.a;
		else
			s.a = s.x;
		break;
	default:
		r = step_load(e, f, &s);
		break;
	}
	return r < 0 ? r : go_to(e, at + 1, &s);
}

int seccomp_bpf_outcomes(const struct sock_filter *filter, size_t count,
			 uint32_t nr, uint32_t arch)
{
	struct evaluation e = {
		.filter = filter,
		.count = count,
		.nr = value_of(nr),
		.arch = value_of(arch),
	};
	struct state start = { .a = value_of(0), .x = value_of(0) };
	int r;

	if (count == 0 || count > BPF_MAXINSNS)
		return -EINVAL;
	e.places = calloc(count, sizeof(*e.places));
	if (!e.places)
		return -ENOMEM;
	r = go_to(&e, 0, &start);
	for (size_t at = 0; at < count && r == 0; at++) {
		for (int i = 0; i < e.places[at].count && r == 0; i++)
			r = step(&e, at, e.places[at].states[i]);
	}
	free(e.places);
	return r < 0 ? r : (int)e.outcomes;
}

unsigned int seccomp_bpf_join(unsigned int outcomes, unsigned int more)
{
	unsigned int run = outcomes & more & SECCOMP_MAY_RUN;
	unsigned int fail = (outcomes | more) & SECCOMP_MAY_FAIL;

	return run | fail;
}
