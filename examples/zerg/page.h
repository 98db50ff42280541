/* SPDX-License-Identifier: Apache-2.0 */
/* The page; zerg.c fills the %s in, in the order of PAGE_VALUES. */
#ifndef EXAMPLES_ZERG_PAGE_H
#define EXAMPLES_ZERG_PAGE_H

/* headline, sentence, instance, rows of the table, how, last words */
#define PAGE_VALUES 6

#define PAGE                                                                  \
	"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"       \
	"<meta name=\"viewport\" content=\"width=device-width\">\n"           \
	"<title>zerg</title>\n<style>\n"                                      \
	":root{color-scheme:light dark;--ink:#1d1a26;--dim:#6f6a7d;"          \
	"--bg:#faf8fc;--line:#e2dcea;--glow:#7a3ff2}\n"                       \
	"@media(prefers-color-scheme:dark){:root{--ink:#efeaf7;--dim:#948da6;" \
	"--bg:#131018;--line:#2b2536;--glow:#b48cff}}\n"                      \
	"body{margin:0;min-height:100vh;display:grid;place-items:center;"     \
	"background:var(--bg);color:var(--ink);"                              \
	"font:1.05rem/1.6 system-ui,sans-serif}\n"                            \
	"main{width:min(38rem,88vw);padding:3rem 0}\n"                        \
	"h1{margin:0;font-size:clamp(3rem,14vw,6rem);line-height:1;"          \
	"letter-spacing:-.04em;color:var(--glow)}\n"                          \
	"h1+p{margin:1rem 0 2.2rem;font-size:1.25rem}\n"                      \
	"code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}\n"   \
	"#instance{display:block;padding:.8rem 1rem;border:1px solid "        \
	"var(--line);border-left:.3rem solid var(--glow);"                    \
	"border-radius:.4rem}\n"                                              \
	"table{width:100%%;margin:2rem 0;border-collapse:collapse}\n"         \
	"td{padding:.45rem 0;border-bottom:1px solid var(--line)}\n"          \
	"td:first-child{width:8.5rem;color:var(--glow);"                      \
	"font-variant-numeric:tabular-nums}\n"                                \
	".dim{color:var(--dim);font-size:.95rem}\n"                           \
	"</style>\n<main>\n<h1>%s</h1>\n<p>%s</p>\n"                          \
	"<code id=\"instance\">%s</code>\n<table>\n%s</table>\n"              \
	"<p>%s</p>\n<p class=\"dim\">%s</p>\n</main>\n</html>\n"

#endif
