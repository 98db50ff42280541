/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser. getopt_long is not used because it permutes, guesses
 * abbreviations and prints its own messages.
 */
#include "host/opts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 32 /* longer words are not compared */

static const struct opt help_opt = {
	.id = OPT_HELP,
	.letter = 'h',
	.name = "help",
	.help = "show this help",
};

static int min3(int a, int b, int c)
{
	int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions and substitutions between two short words. */
static int distance(const char *a, const char *b)
{
	int row[WORD_MAX + 1];
	int i, j, la = (int)strlen(a), lb = (int)strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		int diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= lb; j++) {
			int above = row[j];

			row[j] = min3(row[j] + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

const char *opts_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	int d, best_d = 4;

	for (; *names; names++) {
		d = distance(word, *names);
		if (d < best_d && d < (int)strlen(*names)) {
			best = *names;
			best_d = d;
		}
	}
	return best;
}

static const char *nearest_opt(const struct opt *table, const char *word)
{
	const char *names[OPTS_MAX + 1] = { NULL };
	int i;

	for (i = 0; i < OPTS_MAX && table[i].id != OPT_END; i++)
		names[i] = table[i].name;
	return opts_nearest(word, names);
}

static int unknown(const struct opts *o, const char *word, struct err *e)
{
	char name[WORD_MAX + 1];
	const char *near;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="),
		 word + 2);
	near = word[1] == '-' ? nearest_opt(o->table, name) : NULL;
	if (near)
		return err_set(e, EINVAL,
			       "unknown option %s; did you mean "
			       "--%s?",
			       word, near);
	return err_set(e, EINVAL,
		       "unknown option %s; --help lists the "
		       "options",
		       word);
}

/* Its value may be left away. */
static bool may_be_alone(const struct opt *o)
{
	return o->arg && strncmp(o->arg, "[=", 2) == 0;
}

static int take_value(struct opts *o, const struct opt *opt,
		      const char *attached, const char **ret, struct err *e)
{
	if (!opt->arg && attached)
		return err_set(e, EINVAL, "option --%s takes no value",
			       opt->name);
	if (!opt->arg || (may_be_alone(opt) && !attached))
		return opt->id;
	if (!attached && o->next == o->argc)
		return err_set(e, EINVAL, "option --%s needs a value: %s",
			       opt->name, opt->arg);
	*ret = attached ? attached : o->argv[o->next++];
	return opt->id;
}

static const struct opt *find_long(const struct opts *o, const char *name,
				   size_t len)
{
	const struct opt *p;

	for (p = o->table; p->id != OPT_END; p++) {
		if (strlen(p->name) == len && memcmp(p->name, name, len) == 0)
			return p;
	}
	return len == 4 && memcmp(name, "help", 4) == 0 ? &help_opt : NULL;
}

static const struct opt *find_short(const struct opts *o, char letter)
{
	const struct opt *p;

	for (p = o->table; p->id != OPT_END; p++) {
		if (p->letter == letter)
			return p;
	}
	return letter == 'h' ? &help_opt : NULL;
}

static int next_word(struct opts *o, const char *word, const char **ret)
{
	if (!o->words_between)
		return OPT_END;
	o->next++;
	o->word_seen = true;
	*ret = word;
	return OPT_WORD;
}

static int next_long(struct opts *o, const char *word, const char **ret,
		     struct err *e)
{
	const char *eq = strchr(word, '=');
	const struct opt *opt = find_long(
		o, word + 2, eq ? (size_t)(eq - word - 2) : strlen(word + 2));

	if (!opt)
		return unknown(o, word, e);
	return take_value(o, opt, eq ? eq + 1 : NULL, ret, e);
}

/* `letters` are those of a word, after its dash. */
static int next_letter(struct opts *o, const char *letters, const char **ret,
		       struct err *e)
{
	const char word[] = { '-', letters[0], '\0' };
	const struct opt *opt = find_short(o, letters[0]);
	const char *rest = letters[1] ? letters + 1 : NULL;

	o->bundle = NULL;
	if (!opt)
		return unknown(o, word, e);
	if (opt->arg)
		return take_value(o, opt, rest, ret, e);
	o->bundle = rest;
	return opt->id;
}

int opts_next(struct opts *o, const char **ret_value, struct err *e)
{
	const char *word;

	*ret_value = NULL;
	if (o->bundle)
		return next_letter(o, o->bundle, ret_value, e);
	if (o->next >= o->argc)
		return OPT_END;
	word = o->argv[o->next];
	if (o->program && o->word_seen && strcmp(word, "--") == 0) {
		o->next++;
		return OPT_END;
	}
	if (o->ended || word[0] != '-' || word[1] == '\0')
		return next_word(o, word, ret_value);
	o->next++;
	if (strcmp(word, "--") == 0) {
		o->ended = true;
		return opts_next(o, ret_value, e);
	}
	if (word[1] == '-')
		return next_long(o, word, ret_value, e);
	return next_letter(o, word + 1, ret_value, e);
}

static void help_line(const struct opt *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
		 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
		 o->arg && !may_be_alone(o) ? " " : "", o->arg ? o->arg : "");
	printf("  %-36s %s\n", left, o->help);
}

void opts_help(const struct opt *table)
{
	const struct opt *o;

	printf("Options:\n");
	for (o = table; o->id != OPT_END; o++)
		help_line(o);
	help_line(&help_opt);
}
