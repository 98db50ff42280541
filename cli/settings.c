/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from YAML, by libyaml's tree of nodes, each of which knows its
 * line. One table of keys says how each is read. The values are scalars or
 * flat lists and maps, so nothing here follows the tree deeper than two
 * levels, whatever aliases a hostile file plays with.
 */
#include "cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "abi/layout.h"
#include "cli/function_keys.h"
#include "cli/parse.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "host/opts.h"
#include "image/manifest.h"

struct reader {
	struct settings *s;
	yaml_document_t *doc;
	const char *path;
	struct err *e;
};

static int bad(const struct reader *r, const yaml_mark_t *at, const char *fmt,
	       ...) __attribute__((format(printf, 3, 4)));

static int bad(const struct reader *r, const yaml_mark_t *at, const char *fmt,
	       ...)
{
	char text[192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->e, EINVAL, "%s:%zu: %s", r->path, at->line + 1, text);
}

static int out_of_memory(const struct reader *r)
{
	return err_set(r->e, ENOMEM, "out of memory");
}

/* ---- values ---- */

/* The text of a scalar, or NULL. */
static const char *scalar(const yaml_node_t *n)
{
	const char *text;

	if (n->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)n->data.scalar.value;
	return strlen(text) == n->data.scalar.length ? text : NULL;
}

static int read_text(const struct reader *r, const char *key,
		     const yaml_node_t *n, char **ret)
{
	const char *text = scalar(n);

	if (!text || !text[0])
		return bad(r, &n->start_mark, "%s is not a word", key);
	*ret = strdup(text);
	return *ret ? 0 : out_of_memory(r);
}

/* Words with blanks between them; quotes hold a word together. */
static int split_words(const struct reader *r, const yaml_node_t *n,
		       const char *text, struct strlist *ret)
{
	AUTO_FREE char *word = malloc(strlen(text) + 1);
	char quote = '\0';
	bool open = false;
	size_t len = 0;

	if (!word)
		return out_of_memory(r);
	for (;; text++) {
		if (*text == '\0' && quote)
			return bad(r, &n->start_mark,
				   "a quotation mark is not closed");
		if (*text == '\0' || (!quote && strchr(" \t\n", *text))) {
			word[len] = '\0';
			if (open && strlist_add(ret, word) < 0)
				return out_of_memory(r);
			open = false;
			len = 0;
			if (*text == '\0')
				return 0;
		} else if (*text == quote) {
			quote = '\0';
		} else if (!quote && strchr("'\"", *text)) {
			quote = *text;
			open = true;
		} else {
			word[len++] = *text;
			open = true;
		}
	}
}

/* Calls `one` for each item of a list, or for the only one. */
static int for_each(const struct reader *r, const char *key,
		    const yaml_node_t *n,
		    int (*one)(const struct reader *r, const char *key,
			       const yaml_node_t *n))
{
	const yaml_node_item_t *i;
	int err = 0;

	if (n->type != YAML_SEQUENCE_NODE)
		return one(r, key, n);
	if (n->data.sequence.items.top - n->data.sequence.items.start >
	    SETTINGS_LIST_MAX)
		return bad(r, &n->start_mark, "%s has more than %u entries",
			   key, SETTINGS_LIST_MAX);
	for (i = n->data.sequence.items.start;
	     i < n->data.sequence.items.top && err == 0; i++)
		err = one(r, key, yaml_document_get_node(r->doc, *i));
	return err;
}

/* ---- keys ---- */

static int read_builder(const struct reader *r, const char *key,
			const yaml_node_t *n)
{
	return read_text(r, key, n, &r->s->builder);
}

static int read_entry(const struct reader *r, const char *key,
		      const yaml_node_t *n)
{
	return read_text(r, key, n, &r->s->entry);
}

static int read_cwd(const struct reader *r, const char *key,
		    const yaml_node_t *n)
{
	int err = read_text(r, key, n, &r->s->cwd);

	if (err == 0 && r->s->cwd[0] != '/')
		return bad(r, &n->start_mark, "cwd is not an absolute path");
	return err;
}

static int add_word(const struct reader *r, const char *key,
		    const yaml_node_t *n, struct strlist *ret)
{
	const char *text = scalar(n);

	if (!text)
		return bad(r, &n->start_mark,
			   "%s is neither a line of words nor a list of them",
			   key);
	return strlist_add(ret, text) < 0 ? out_of_memory(r) : 0;
}

static int add_command(const struct reader *r, const char *key,
		       const yaml_node_t *n)
{
	return add_word(r, key, n, &r->s->command);
}

static int read_command(const struct reader *r, const char *key,
			const yaml_node_t *n)
{
	int err;

	if (scalar(n))
		err = split_words(r, n, scalar(n), &r->s->command);
	else
		err = for_each(r, key, n, add_command);
	if (err == 0 &&
	    (r->s->command.count == 0 || !r->s->command.items[0][0]))
		return bad(r, &n->start_mark, "command names no program");
	return err;
}

static int add_arg(const struct reader *r, const char *key,
		   const yaml_node_t *n)
{
	return add_word(r, key, n, &r->s->args);
}

static int read_args(const struct reader *r, const char *key,
		     const yaml_node_t *n)
{
	if (scalar(n))
		return split_words(r, n, scalar(n), &r->s->args);
	return for_each(r, key, n, add_arg);
}

static int add_port(const struct reader *r, const char *key,
		    const yaml_node_t *n)
{
	const char *text = scalar(n);
	char port[32] = "";

	if (text)
		snprintf(port, sizeof(port), "%s%s", text,
			 strchr(text, '/') ? "" : "/tcp");
	if (!text || strlen(text) > 16 || !manifest_port_valid(port))
		return bad(r, &n->start_mark,
			   "%s is not a number from 1 to 65535, with /udp "
			   "behind it or not",
			   key);
	if (strlist_has(&r->s->ports, port))
		return 0;
	return strlist_add(&r->s->ports, port) < 0 ? out_of_memory(r) : 0;
}

static int read_ports(const struct reader *r, const char *key,
		      const yaml_node_t *n)
{
	return for_each(r, key, n, add_port);
}

static int read_memory(const struct reader *r, const char *key,
		       const yaml_node_t *n)
{
	const char *text = scalar(n);
	struct err why;

	if (!text || parse_size(&r->s->memory_bytes, text, &why) < 0)
		return bad(r, &n->start_mark, "%s is not a size like 64m or 1g",
			   key);
	if (r->s->memory_bytes > MF_RAM_MAX)
		return bad(r, &n->start_mark,
			   "%s is above 64g, the most a guest can have", key);
	return 0;
}

static int add_variable(const struct reader *r, const yaml_node_t *k,
			const yaml_node_t *v)
{
	const char *name = scalar(k), *value = scalar(v);
	char *entry;

	if (!name || !name[0] || strchr(name, '='))
		return bad(r, &k->start_mark,
			   "env has a name that is not one of a variable");
	if (!value)
		return bad(r, &v->start_mark,
			   "the value of %.60s is not a text", name);
	if (asprintf(&entry, "%s=%s", name, value) < 0)
		return out_of_memory(r);
	return strlist_take(&r->s->env, entry) < 0 ? out_of_memory(r) : 0;
}

static int read_env(const struct reader *r, const char *key,
		    const yaml_node_t *n)
{
	const yaml_node_pair_t *p;
	int err = 0;

	if (n->type != YAML_MAPPING_NODE)
		return bad(r, &n->start_mark,
			   "%s is not a map, with lines NAME: value below it",
			   key);
	if (n->data.mapping.pairs.top - n->data.mapping.pairs.start >
	    SETTINGS_LIST_MAX)
		return bad(r, &n->start_mark, "%s has more than %u entries",
			   key, SETTINGS_LIST_MAX);
	for (p = n->data.mapping.pairs.start;
	     p < n->data.mapping.pairs.top && err == 0; p++)
		err = add_variable(r, yaml_document_get_node(r->doc, p->key),
				   yaml_document_get_node(r->doc, p->value));
	return err;
}

static int add_file(const struct reader *r, const char *key,
		    const yaml_node_t *n)
{
	const char *text = scalar(n);

	if (!text || !text[0])
		return bad(r, &n->start_mark,
			   "%s is not a list of SOURCE or SOURCE:PATH", key);
	return strlist_add(&r->s->files, text) < 0 ? out_of_memory(r) : 0;
}

static int read_files(const struct reader *r, const char *key,
		      const yaml_node_t *n)
{
	return for_each(r, key, n, add_file);
}

static int add_not_rewritten(const struct reader *r, const char *key,
			     const yaml_node_t *n)
{
	const char *text = scalar(n);

	if (!text || text[0] != '/')
		return bad(r, &n->start_mark,
			   "%s is neither true or false nor a list of "
			   "absolute paths",
			   key);
	return strlist_add(&r->s->not_rewritten, text) < 0 ? out_of_memory(r) :
							     0;
}

static int read_no_rewrite(const struct reader *r, const char *key,
			   const yaml_node_t *n)
{
	const char *text = scalar(n);

	if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
		r->s->no_rewrite = text[0] == 't';
		return 0;
	}
	return for_each(r, key, n, add_not_rewritten);
}

/* ---- function ---- */

static int set_function(const struct reader *r, const struct function_key *k,
			const yaml_node_t *n)
{
	const char *text = scalar(n);
	struct err why;

	if (!text)
		return bad(r, &n->start_mark, "%s is not a text",
			   function_key_name(k));
	if (function_key_set(k, r->s->function, text, &why) < 0)
		return bad(r, &n->start_mark, "%s", why.text);
	return 0;
}

static int add_function_item(const struct reader *r, const char *key,
			     const yaml_node_t *n)
{
	return set_function(r, function_key_find(key), n);
}

static int add_function_env(const struct reader *r, const yaml_node_t *n)
{
	const yaml_node_pair_t *p;
	struct err why;

	if (n->type != YAML_MAPPING_NODE ||
	    n->data.mapping.pairs.top - n->data.mapping.pairs.start >
		    SETTINGS_LIST_MAX)
		return bad(r, &n->start_mark,
			   "env is not a map, with lines NAME: value below it");
	for (p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
		const yaml_node_t *v = yaml_document_get_node(r->doc, p->value);

		if (!scalar(k) || !scalar(v) || !scalar(k)[0])
			return bad(r, &k->start_mark,
				   "env has a name or a value that is no text");
		if (function_env_set(r->s->function, scalar(k), scalar(v),
				     &why) < 0)
			return bad(r, &k->start_mark, "%s", why.text);
	}
	return 0;
}

static int unknown_function_key(const struct reader *r, const yaml_node_t *k)
{
	const char *names[FUNCTION_KEYS + 2] = { "env" };
	const char *near, *name = scalar(k);

	for (size_t i = 0; i < FUNCTION_KEYS; i++)
		names[i + 1] = function_key_name(&function_keys[i]);
	near = name ? opts_nearest(name, names) : NULL;
	return bad(r, &k->start_mark, "there is no key %.40s in function%s%s%s",
		   name ? name : "of this form", near ? "; did you mean " : "",
		   near ? near : "", near ? "?" : "");
}

static int read_function_pair(const struct reader *r, const yaml_node_t *k,
			      const yaml_node_t *v)
{
	const char *name = scalar(k);
	const struct function_key *key = name ? function_key_find(name) : NULL;

	if (name && strcmp(name, "env") == 0)
		return add_function_env(r, v);
	if (!key)
		return unknown_function_key(r, k);
	if (function_key_is_list(key))
		return for_each(r, function_key_name(key), v,
				add_function_item);
	return set_function(r, key, v);
}

static int read_function(const struct reader *r, const char *key,
			 const yaml_node_t *n)
{
	const yaml_node_pair_t *p;
	int err = 0;

	if (n->type != YAML_MAPPING_NODE)
		return bad(r, &n->start_mark,
			   "%s is not a map, with lines KEY: value below it",
			   key);
	r->s->function = json_object();
	if (!r->s->function)
		return out_of_memory(r);
	for (p = n->data.mapping.pairs.start;
	     p < n->data.mapping.pairs.top && err == 0; p++)
		err = read_function_pair(
			r, yaml_document_get_node(r->doc, p->key),
			yaml_document_get_node(r->doc, p->value));
	return err;
}

static const struct {
	const char *name;
	int (*read)(const struct reader *r, const char *key,
		    const yaml_node_t *n);
} keys[SETTINGS_KEYS] = {
	{ "args", read_args },	     { "builder", read_builder },
	{ "command", read_command }, { "cwd", read_cwd },
	{ "entry", read_entry },     { "env", read_env },
	{ "files", read_files },     { "function", read_function },
	{ "memory", read_memory },   { "no-rewrite", read_no_rewrite },
	{ "port", read_ports },	     { "ports", read_ports },
};

static int unknown_key(const struct reader *r, const yaml_node_t *k,
		       const char *name)
{
	const char *names[SETTINGS_KEYS + 1] = { NULL };
	const char *near;
	char list[128] = "";
	size_t i, len = 0;

	for (i = 0; i < SETTINGS_KEYS; i++) {
		names[i] = keys[i].name;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					i ? ", " : "", names[i]);
	}
	near = opts_nearest(name, names);
	if (near)
		return bad(r, &k->start_mark,
			   "there is no key %.40s; did you mean %s?", name,
			   near);
	return bad(r, &k->start_mark, "there is no key %.40s; the keys are %s",
		   name, list);
}

static int read_pair(const struct reader *r, const yaml_node_pair_t *p)
{
	const yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
	const yaml_node_t *v = yaml_document_get_node(r->doc, p->value);
	const char *name = scalar(k);
	size_t i;

	if (!name)
		return bad(r, &k->start_mark, "a key is not a word");
	for (i = 0; i < SETTINGS_KEYS; i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (r->s->line[i])
			return bad(r, &k->start_mark, "%s is said twice", name);
		r->s->line[i] = k->start_mark.line + 1;
		return keys[i].read(r, name, v);
	}
	return unknown_key(r, k, name);
}

static int read_root(const struct reader *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(r->doc);
	const yaml_node_pair_t *p;
	int err = 0;

	if (!root ||
	    (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return bad(r, &root->start_mark,
			   "this is not a map, with lines KEY: value");
	for (p = root->data.mapping.pairs.start;
	     p < root->data.mapping.pairs.top && err == 0; p++)
		err = read_pair(r, p);
	return err;
}

/* ---- documents ---- */

static int syntax_error(const struct reader *r, const yaml_parser_t *p)
{
	if (p->error == YAML_MEMORY_ERROR)
		return out_of_memory(r);
	if (p->error == YAML_READER_ERROR)
		return err_set(r->e, EINVAL, "%s: %s, at byte %zu", r->path,
			       p->problem, p->problem_offset);
	return bad(r, &p->problem_mark, "%s%s%s", p->context ? p->context : "",
		   p->context ? ", " : "",
		   p->problem ? p->problem : "this is not YAML");
}

/* Is there another document behind the first? */
static int check_single(const struct reader *r, yaml_parser_t *p)
{
	const yaml_node_t *root;
	yaml_document_t doc;
	int err = 0;

	if (!yaml_parser_load(p, &doc))
		return syntax_error(r, p);
	root = yaml_document_get_root_node(&doc);
	if (root)
		err = bad(r, &root->start_mark,
			  "there is more than one document");
	yaml_document_delete(&doc);
	return err;
}

int settings_parse(struct settings *ret, const char *text, size_t len,
		   const char *path, struct err *e)
{
	yaml_document_t doc;
	yaml_parser_t parser;
	struct reader r = { ret, &doc, path, e };
	int err;

	*ret = (struct settings){ .path = strdup(path) };
	if (!ret->path || !yaml_parser_initialize(&parser))
		return out_of_memory(&r);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &doc)) {
		err = syntax_error(&r, &parser);
		yaml_parser_delete(&parser);
		return err;
	}
	err = read_root(&r);
	if (err == 0 && yaml_document_get_root_node(&doc))
		err = check_single(&r, &parser);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return err;
}

int settings_read(struct settings *ret, const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	AUTO_FREE char *text = NULL;
	struct stat st;
	int r;

	*ret = (struct settings){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot open %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > SETTINGS_SIZE_MAX)
		return err_set(e, EINVAL,
			       "%s is not a file of at most %u bytes", path,
			       SETTINGS_SIZE_MAX);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	r = file_pread(fd, text, (size_t)st.st_size, 0);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s", path);
	return settings_parse(ret, text, (size_t)st.st_size, path, e);
}

char *settings_at(const struct settings *s, const char *key)
{
	char *text;
	size_t i;

	for (i = 0; i < SETTINGS_KEYS; i++) {
		if (strcmp(keys[i].name, key) == 0 && s->line[i] &&
		    asprintf(&text, "%s:%zu", s->path, s->line[i]) > 0)
			return text;
	}
	return NULL;
}

void settings_fini(struct settings *s)
{
	free(take_ptr(s->path));
	free(take_ptr(s->builder));
	free(take_ptr(s->entry));
	free(take_ptr(s->cwd));
	strlist_fini(&s->command);
	strlist_fini(&s->args);
	strlist_fini(&s->ports);
	strlist_fini(&s->env);
	strlist_fini(&s->not_rewritten);
	strlist_fini(&s->files);
	json_decref(s->function);
	s->function = NULL;
}
