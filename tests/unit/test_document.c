/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/document.h"
#include "base/plain.h"

static bool read_bytes(const char *text, size_t len, struct document **ret_root,
	struct error *err)
{
	AUTO_FREE(source) source = source_of_text("a.yaml", text, len);

	return document_read_yaml(source, ret_root, err);
}

static struct document *read_good(const char *text)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct document *root = NULL;

	if (read_bytes(text, strlen(text), &root, &err))
		return root;
	fail_msg("%s", err.message);
	return NULL;
}

static void assert_error(struct error *err, const char *expected)
{
	AUTO_TEXT text = error_text(err);

	assert_string_equal(text, expected);
	assert_int_equal(err->kind, ERROR_INPUT);
	error_release(err);
}

static void assert_refused(const char *text, size_t len, const char *expected)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct document *root = NULL;

	assert_false(read_bytes(text, len, &root, &err));
	assert_null(root);
	assert_error(&err, expected);
}

static double seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static char *repeat(const char *text, size_t n)
{
	AUTO_RELEASE(buffer) many = BUFFER_INIT;

	for (size_t i = 0; i < n; i++)
		buffer_add_text(&many, text);
	return buffer_detach(&many);
}

static void assert_same(const struct document *a, const struct document *b)
{
	assert_int_equal(document_kind(a), document_kind(b));
	assert_int_equal(document_count(a), document_count(b));
	if (document_kind(a) == DOCUMENT_TEXT ||
		document_kind(a) == DOCUMENT_NUMBER)
		assert_string_equal(document_text(a), document_text(b));
	if (document_kind(a) == DOCUMENT_BOOLEAN)
		assert_int_equal(document_boolean(a), document_boolean(b));
	for (size_t i = 0; i < document_count(a); i++) {
		if (document_kind(a) == DOCUMENT_MAP)
			assert_string_equal(
				document_key(a, i), document_key(b, i));
		assert_same(document_at(a, i), document_at(b, i));
	}
}

/* -- reading -- */

static void plain_scalars_are_what_all_readers_take_them_for(void **state)
{
	static const struct {
		const char *text;
		enum document_kind kind;
	} rows[] = {
		{"", DOCUMENT_NULL},
		{"~", DOCUMENT_NULL},
		{"null", DOCUMENT_NULL},
		{"NULL", DOCUMENT_NULL},
		{"nULL", DOCUMENT_TEXT},
		{"nullable", DOCUMENT_TEXT},
		{"true", DOCUMENT_BOOLEAN},
		{"False", DOCUMENT_BOOLEAN},
		{"YES", DOCUMENT_BOOLEAN},
		{"no", DOCUMENT_BOOLEAN},
		{"Off", DOCUMENT_BOOLEAN},
		{"y", DOCUMENT_BOOLEAN},
		{"N", DOCUMENT_BOOLEAN},
		{"tRue", DOCUMENT_TEXT},
		{"yess", DOCUMENT_TEXT},
		{"0", DOCUMENT_NUMBER},
		{"-42", DOCUMENT_NUMBER},
		{"+1_000", DOCUMENT_NUMBER},
		{"017", DOCUMENT_NUMBER},
		{"089", DOCUMENT_NUMBER},
		{"0o17", DOCUMENT_NUMBER},
		{"0x1F", DOCUMENT_NUMBER},
		{"0X1f", DOCUMENT_NUMBER},
		{"0b101", DOCUMENT_NUMBER},
		{"0x", DOCUMENT_TEXT},
		{"0b12", DOCUMENT_TEXT},
		{"0xfg", DOCUMENT_TEXT},
		{"1e3", DOCUMENT_NUMBER},
		{"1E-3", DOCUMENT_NUMBER},
		{"12e4", DOCUMENT_NUMBER},
		{"1.5e+3", DOCUMENT_NUMBER},
		{"1e", DOCUMENT_TEXT},
		{"e3", DOCUMENT_TEXT},
		{"1.31", DOCUMENT_NUMBER},
		{"1.", DOCUMENT_NUMBER},
		{".5", DOCUMENT_NUMBER},
		{"-.5", DOCUMENT_NUMBER},
		{".inf", DOCUMENT_NUMBER},
		{"-.INF", DOCUMENT_NUMBER},
		{".NaN", DOCUMENT_NUMBER},
		{"12:30", DOCUMENT_NUMBER},
		{"1:2:3:4:5:6:7:8", DOCUMENT_NUMBER},
		{"12:75", DOCUMENT_TEXT},
		{"12:300", DOCUMENT_TEXT},
		{"2026-11-24", DOCUMENT_NUMBER},
		{"2026-1-4", DOCUMENT_NUMBER},
		{"2026-11-24T01:14:59Z", DOCUMENT_NUMBER},
		{"2026-11-24 01:14:59.5 +01:00", DOCUMENT_NUMBER},
		{"2026-11-24-rack", DOCUMENT_TEXT},
		{"2026-11", DOCUMENT_TEXT},
		{"20261-1-4", DOCUMENT_TEXT},
		{"1.31.2", DOCUMENT_TEXT},
		{"10.0.0.1", DOCUMENT_TEXT},
		{"10.96.0.0/12", DOCUMENT_TEXT},
		{"fd00::1", DOCUMENT_TEXT},
		{"::1", DOCUMENT_TEXT},
		{".", DOCUMENT_TEXT},
		{"..", DOCUMENT_TEXT},
		{"-", DOCUMENT_TEXT},
		{"+", DOCUMENT_TEXT},
		{"-x", DOCUMENT_TEXT},
		{"1-2", DOCUMENT_TEXT},
		{"1d", DOCUMENT_TEXT},
		{"w1", DOCUMENT_TEXT},
		{"<<", DOCUMENT_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (plain_kind(rows[i].text) != rows[i].kind)
			fail_msg("\"%s\" is taken for %s", rows[i].text,
				document_kind_name(plain_kind(rows[i].text)));
}

static void quotes_and_blocks_make_text(void **state)
{
	static const char *const texts[] = {
		"'42'", "\"true\"", "|-\n  1e3", ">-\n  null", "\"\""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_FREE(document) root = read_good(texts[i]);

		assert_int_equal(document_kind(root), DOCUMENT_TEXT);
	}
}

static void every_node_knows_its_line(void **state)
{
	AUTO_FREE(document)
	root = read_good("# one\n"
			 "a: 1\n"
			 "b:\n"
			 "  - x\n"
			 "  - {c:\n"
			 "      d}\n"
			 "e: |\n"
			 "  f\n"
			 "\n"
			 "g:\n");
	const struct document *list = document_find(root, "b");

	(void)state;
	assert_int_equal(document_line(root), 2);
	assert_int_equal(document_line(document_at(list, 0)), 4);
	assert_int_equal(document_line(document_at(list, 1)), 5);
	assert_int_equal(
		document_line(document_at(document_at(list, 1), 0)), 6);
	assert_int_equal(document_key_line(root, 2), 7);
	assert_int_equal(document_key_line(root, 3), 10);
	assert_string_equal(document_key(root, 3), "g");
	assert_string_equal(document_text(document_find(root, "e")), "f\n");
}

static void what_is_not_strict_is_refused_with_its_line(void **state)
{
#define ROW(text, message)                                                     \
	{                                                                      \
		text, sizeof(text) - 1, message                                \
	}
	static const struct {
		const char *text;
		size_t len;
		const char *message;
	} rows[] = {
		ROW("", "a.yaml:1: no document in it"),
		ROW("# nothing\n", "a.yaml:2: no document in it"),
		ROW("a: 1\n---\nb: 2\n", "a.yaml:2: more than one document"),
		ROW("a: 1\nb: &x 2\n",
			"a.yaml:2: an anchor (&) is not allowed"),
		ROW("a: &x [1]\n", "a.yaml:1: an anchor (&) is not allowed"),
		ROW("&x a: 1\n", "a.yaml:1: an anchor (&) is not allowed"),
		ROW("a: 1\nb: *x\n", "a.yaml:2: an alias (*) is not allowed"),
		ROW("*x : 1\n", "a.yaml:1: an alias (*) is not allowed"),
		ROW("a: !!str 2\n", "a.yaml:1: a tag (!) is not allowed"),
		ROW("a: ! 2\n", "a.yaml:1: a tag (!) is not allowed"),
		ROW("!!map {a: 1}\n", "a.yaml:1: a tag (!) is not allowed"),
		ROW("%TAG ! tag:example.org,2026:\n---\na: 1\n",
			"a.yaml:1: a %TAG directive is not allowed"),
		ROW("<<: {a: 1}\n",
			"a.yaml:1: a merge key (<<) is not allowed"),
		ROW("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n",
			"a.yaml:5: key \"c\": stands twice"),
		ROW("{a: 1, \"a\": 2}", "a.yaml:1: key \"a\": stands twice"),
		ROW("x: 1\ntrue: 1\n", "a.yaml:2: key \"true\": must be "
				       "text, is a boolean (quote it)"),
		ROW("1e3: 1\n", "a.yaml:1: key \"1e3\": must be text, is a "
				"number (quote it)"),
		ROW("?\n: 1\n", "a.yaml:1: key \"\": must be text, is null "
				"(quote it)"),
		ROW("[a]: 1\n", "a.yaml:1: a key must be text"),
		ROW("? {a: 1}\n: 1\n", "a.yaml:1: a key must be text"),
		ROW("a: \"x\\0y\"\n", "a.yaml:1: a NUL in text is not allowed"),
		ROW("\"x\\0y\": a\n", "a.yaml:1: a NUL in text is not allowed"),
		ROW("a: b\0c\n", "a.yaml:1: not YAML: control characters are "
				 "not allowed"),
		ROW("a: 1\n\nb: \x1b[31m\n",
			"a.yaml:3: not YAML: control characters are not "
			"allowed"),
		ROW("a: 1\nb: \xff\n", "a.yaml:2: not YAML: invalid leading "
				       "UTF-8 octet"),
		ROW("a: \xc0\x80\n",
			"a.yaml:1: not YAML: invalid length of a UTF-8 "
			"sequence"),
		ROW("\xff\xfe"
		    "a\0",
			"a.yaml:1: not YAML: invalid leading UTF-8 octet"),
		ROW("a: [1\nb: 2\n",
			"a.yaml:2: not YAML: did not find expected ',' or "
			"']' while parsing a flow sequence"),
		ROW("a:\n\t- b\n",
			"a.yaml:2: not YAML: found character that cannot "
			"start any token while scanning for the next token"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(rows[i].text, rows[i].len, rows[i].message);
#undef ROW
}

static void the_line_of_a_bad_byte_is_right_far_into_the_file(void **state)
{
	AUTO_TEXT many = repeat("key: value # and a comment\n", 20000);
	AUTO_TEXT text = memory_format("l:\n- |\n  text\n%s\xff\n", many);

	(void)state;
	/* The reader is far ahead of the parser, which will find the key. */
	assert_refused(text, strlen(text),
		"a.yaml:20004: not YAML: invalid leading UTF-8 octet");
}

static void depth_is_bounded_while_scanning(void **state)
{
	static const struct {
		const char *unit;
		const char *message;
	} rows[] = {
		{"[", "a.yaml:1: nested more than 64 deep"},
		{"[\n", "a.yaml:65: nested more than 64 deep"},
		{"{a: ", "a.yaml:1: nested more than 64 deep"},
		{"- ", "a.yaml:1: nested more than 64 deep"},
		{"? ", "a.yaml:1: a key must be text"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_TEXT text = repeat(rows[i].unit, 1000000);
		double start = seconds();

		assert_refused(text, strlen(text), rows[i].message);
		assert_true(seconds() - start < 20);
	}
}

static void sixty_four_deep_is_allowed(void **state)
{
	AUTO_TEXT open = repeat("[", 64);
	AUTO_TEXT close = repeat("]", 64);
	AUTO_TEXT good = memory_format("%s%s", open, close);
	AUTO_TEXT bad = memory_format("[%s%s]", open, close);
	AUTO_FREE(document) root = read_good(good);

	(void)state;
	assert_int_equal(document_kind(root), DOCUMENT_LIST);
	assert_refused(bad, strlen(bad), "a.yaml:1: nested more than 64 deep");
}

static void size_is_bounded(void **state)
{
	AUTO_TEXT long_text = repeat("0123456789abcdef", 1 << 20);
	AUTO_TEXT more = memory_format("a: \"%s%s\"\n", long_text, long_text);
	AUTO_TEXT comment =
		memory_format("a: 1\n#%s%s\n", long_text, long_text);
	AUTO_TEXT half = memory_format("%.*s", 9 << 20, long_text);
	AUTO_TEXT two = memory_format("- \"%s\"\n- \"%s\"\n", half, half);
	AUTO_TEXT nodes = repeat("-\n", (1 << 20) + 1);

	(void)state;
	assert_refused(
		more, strlen(more), "a.yaml:1: more than 16 MiB in one piece");
	assert_refused(comment, strlen(comment),
		"a.yaml:2: more than 16 MiB in one piece");
	assert_refused(two, strlen(two),
		"a.yaml:2: more than 16 MiB of text in one tree");
	assert_refused(nodes, strlen(nodes),
		"a.yaml:1048576: more than 1048576 nodes in one tree");
}

static void large_maps_are_checked_for_duplicates_quickly(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	double start;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buffer_format(&text, "key-%u:\n", i * 7919 % 100000);
	buffer_add_text(&text, "key-77: 1\nkey-5: 1\n");
	start = seconds();
	assert_refused(text.data, text.len,
		"a.yaml:100001: key \"key-77\": stands twice");
	assert_true(seconds() - start < 20);
}

static void what_cannot_be_read_is_said_once(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(source) source = NULL;
	struct document *root = NULL;

	(void)state;
	assert_true(source_open("/", 1000, &source, &err));
	assert_false(document_read_yaml(source, &root, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_null(root);
}

/* As kubectl writes it, with what strict readers stumble over. */
static const char kubectl_nodes[] =
	"apiVersion: v1\n"
	"items:\n"
	"- apiVersion: v1\n"
	"  kind: Node\n"
	"  metadata:\n"
	"    annotations:\n"
	"      node.alpha.kubernetes.io/ttl: \"0\"\n"
	"      csi.volume.kubernetes.io/nodeid: '{\"csi.example\":\"w1\"}'\n"
	"      flannel: |\n"
	"        {\"VNI\":1,\n"
	"         \"VtepMAC\":\"6e:5c\"}\n"
	"    creationTimestamp: \"2026-11-24T01:14:59Z\"\n"
	"    labels:\n"
	"      \"true\": \"\"\n"
	"      kubernetes.io/hostname: w1\n"
	"      node-role.kubernetes.io/worker: \"\"\n"
	"    managedFields:\n"
	"    - apiVersion: v1\n"
	"      fieldsType: FieldsV1\n"
	"      fieldsV1:\n"
	"        f:metadata:\n"
	"          f:annotations:\n"
	"            .: {}\n"
	"            f:node.alpha.kubernetes.io/ttl: {}\n"
	"        f:status:\n"
	"          f:conditions:\n"
	"            k:{\"type\":\"Ready\"}:\n"
	"              .: {}\n"
	"              f:type: {}\n"
	"          f:finalizers:\n"
	"            v:\"kubernetes.io/pv\": {}\n"
	"      time: \"2026-11-24T01:14:59Z\"\n"
	"    name: w1\n"
	"  spec: {}\n"
	"  status:\n"
	"    addresses:\n"
	"    - address: 10.0.0.11\n"
	"      type: InternalIP\n"
	"    capacity:\n"
	"      cpu: \"2\"\n"
	"      hugepages-1Gi: \"0\"\n"
	"    daemonEndpoints:\n"
	"      kubeletEndpoint:\n"
	"        Port: 10250\n"
	"    images:\n"
	"    - names:\n"
	"      - registry.k8s.io/pause@sha256:7031c1b283388d2c2e09b57badb8\n"
	"      sizeBytes: 268403\n"
	"kind: List\n"
	"metadata:\n"
	"  resourceVersion: \"\"\n";

static void output_of_kubectl_is_readable(void **state)
{
	AUTO_FREE(document) root = read_good(kubectl_nodes);
	const struct document *node =
		document_at(document_find(root, "items"), 0);
	const struct document *fields = document_find(
		document_at(document_find(document_find(node, "metadata"),
				    "managedFields"),
			0),
		"fieldsV1");

	(void)state;
	fields = document_find(
		document_find(fields, "f:status"), "f:conditions");
	fields = document_find(fields, "k:{\"type\":\"Ready\"}");
	assert_non_null(document_find(fields, "."));
}

/* -- item by item -- */

struct seen {
	struct buffer text;
	size_t n, stop_at, most_in_use;
};

static bool see(void *data, const char *key, const struct document *item,
	struct error *err)
{
	struct seen *seen = data;
	size_t in_use = mallinfo2().uordblks;

	seen->n++;
	if (in_use > seen->most_in_use)
		seen->most_in_use = in_use;
	if (seen->n == seen->stop_at)
		return error_set(err, ERROR_INPUT, "enough");
	if (seen->n < 10)
		buffer_format(&seen->text, "%s:%u:%s:%zu ", key,
			document_line(item),
			document_kind_name(document_kind(item)),
			document_count(item));
	return true;
}

static bool read_items(const char *text, struct seen *seen,
	struct document **ret_root, struct error *err)
{
	static const char *const keys[] = {"nodes", "items"};
	AUTO_FREE(source) source = source_of_text("a.yaml", text, strlen(text));

	return document_read_yaml_items(
		source, keys, ARRAY_SIZE(keys), see, seen, ret_root, err);
}

static void items_are_handed_on_and_the_rest_is_kept(void **state)
{
	static const char text[] = "kind: X\n"
				   "nodes:\n"
				   "- name: a\n"
				   "- {name: b, nodes: [1, 2]}\n"
				   "- c\n"
				   "more: {nodes: [1]}\n"
				   "items: []\n";
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(document) root = NULL;
	struct seen seen = {.text = BUFFER_INIT};

	(void)state;
	assert_true(read_items(text, &seen, &root, &err));
	assert_string_equal(seen.text.data,
		"nodes:3:a map:1 nodes:4:a map:2 nodes:5:text:0 ");
	assert_int_equal(document_count(root), 4);
	assert_int_equal(document_count(document_find(root, "nodes")), 0);
	assert_int_equal(document_count(document_find(
				 document_find(root, "more"), "nodes")),
		1);
	buffer_release(&seen.text);
}

static void items_are_held_to_the_same_rules(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"nodes:\n- {a: 1, a: 2}\n",
			"a.yaml:2: key \"a\": stands twice"},
		{"nodes: [1]\nx: 1\nnodes: [2]\n",
			"a.yaml:3: key \"nodes\": stands twice"},
		{"nodes:\n- &x 1\n", "a.yaml:2: an anchor (&) is not allowed"},
		{"[1, 2]\n", "a.yaml:1: document: must be a map, is a list"},
		{"nodes\n",
			"a.yaml:1: document \"nodes\": must be a map, is text"},
		{"nodes: [1\n",
			"a.yaml:2: not YAML: did not find expected ',' or "
			"']' while parsing a flow sequence"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct document *root = NULL;
		struct seen seen = {.text = BUFFER_INIT};

		assert_false(read_items(rows[i].text, &seen, &root, &err));
		assert_null(root);
		assert_error(&err, rows[i].message);
		buffer_release(&seen.text);
	}
}

static void an_item_can_stop_the_reading(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct document *root = NULL;
	struct seen seen = {.text = BUFFER_INIT, .stop_at = 2};

	(void)state;
	assert_false(read_items("nodes: [a, b, c]\n", &seen, &root, &err));
	assert_int_equal(seen.n, 2);
	assert_string_equal(err.message, "enough");
	buffer_release(&seen.text);
}

static void what_is_no_list_stays_in_the_rest(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(document) root = NULL;
	struct seen seen = {.text = BUFFER_INIT};

	(void)state;
	assert_true(read_items("nodes: {a: 1}\n", &seen, &root, &err));
	assert_int_equal(seen.n, 0);
	assert_int_equal(
		document_kind(document_find(root, "nodes")), DOCUMENT_MAP);
	buffer_release(&seen.text);
}

static void memory_does_not_grow_with_the_items(void **state)
{
	static const size_t counts[] = {1000, 200000};
	size_t in_use[ARRAY_SIZE(counts)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		AUTO_TEXT items =
			repeat("- name: worker\n  addresses: [10.0.0.1, a.b]\n",
				counts[i]);
		AUTO_TEXT text = memory_format("nodes:\n%s", items);
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(document) root = NULL;
		struct seen seen = {.text = BUFFER_INIT};
		size_t before = mallinfo2().uordblks;

		assert_true(read_items(text, &seen, &root, &err));
		assert_int_equal(seen.n, counts[i]);
		in_use[i] = seen.most_in_use - before;
		buffer_release(&seen.text);
	}
	assert_true(in_use[1] <= in_use[0] + 4096);
}

/* -- looking and requiring -- */

static void chains_of_look_ups_need_one_check(void **state)
{
	AUTO_FREE(document) root = read_good("a: {b: [c]}\nt: x\n");

	(void)state;
	assert_null(document_find(
		document_find(document_find(root, "x"), "y"), "z"));
	assert_null(document_find(document_find(root, "t"), "z"));
	assert_null(document_find(
		document_find(document_find(root, "a"), "b"), "c"));
	assert_null(document_text(root));
}

static void other_kinds_are_refused_with_their_value(void **state)
{
	AUTO_FREE(document)
	root = read_good("i: 42\nt: x\nl: [1]\ne:\nb: yes\n");
	static const struct {
		const char *key;
		enum document_kind kind;
		const char *message;
	} rows[] = {
		{"i", DOCUMENT_TEXT,
			"f:1: name \"42\": must be text, is a "
			"number (quote it)"},
		{"t", DOCUMENT_LIST,
			"f:2: name \"x\": must be a list, is "
			"text"},
		{"l", DOCUMENT_TEXT, "f:3: name: must be text, is a list"},
		{"e", DOCUMENT_TEXT, "f:4: name: must be text, is null"},
		{"b", DOCUMENT_TEXT,
			"f:5: name \"yes\": must be text, is a "
			"boolean (quote it)"},
		{"?", DOCUMENT_TEXT, "f: name: missing"},
	};
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(document_boolean(document_find(root, "b")));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_false(document_require(document_find(root, rows[i].key),
			rows[i].kind, "f", "name", &err));
		assert_error(&err, rows[i].message);
	}
	assert_true(document_require(
		document_find(root, "t"), DOCUMENT_TEXT, "f", "name", &err));
}

static void unknown_keys_are_refused_with_the_nearest(void **state)
{
	static const char *const keys[] = {"name", "addresses"};
	AUTO_FREE(document) good = read_good("name: a\n");
	AUTO_FREE(document) near = read_good("name: a\naddreses: []\n");
	AUTO_FREE(document) far = read_good("x: a\n");
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(
		document_require_keys(good, keys, ARRAY_SIZE(keys), "f", &err));
	assert_false(
		document_require_keys(near, keys, ARRAY_SIZE(keys), "f", &err));
	assert_error(&err, "f:2: key \"addreses\": unknown (did you mean "
			   "\"addresses\"?)");
	assert_false(
		document_require_keys(far, keys, ARRAY_SIZE(keys), "f", &err));
	assert_error(&err, "f:1: key \"x\": unknown");
}

static void api_version_and_kind_are_exact(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"kind: K\n", "f:1: apiVersion: missing, must be \"v1\""},
		{"apiVersion: v2\nkind: K\n",
			"f:1: apiVersion \"v2\": must be \"v1\""},
		{"apiVersion: v1\nkind: L\n", "f:2: kind \"L\": must be \"K\""},
		{"apiVersion: 1\nkind: K\n",
			"f:1: apiVersion \"1\": must be text, is a number "
			"(quote it)"},
		{"[v1, K]\n", "f:1: document: must be a map, is a list"},
	};
	AUTO_FREE(document) good = read_good("kind: K\napiVersion: v1\n");
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(document_require_kind(good, "v1", "K", "f", &err));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(document) root = read_good(rows[i].text);

		assert_false(document_require_kind(root, "v1", "K", "f", &err));
		assert_error(&err, rows[i].message);
	}
}

/* -- building and writing -- */

static struct document *build(void)
{
	struct document *root = document_new_map(), *list;

	document_put_text(root, "apiVersion", "v1");
	document_put(root, "preferences", document_new_map());
	list = document_put(root, "list", document_new_list());
	document_append(list, document_new_integer(-42));
	document_append(list, document_new_null());
	document_append(list, document_new_list());
	document_put_text(
		document_append(list, document_new_map()), "true", "tr\"ue");
	document_put_boolean(root, "no one", true);
	return root;
}

static void text_is_quoted_and_keys_are_plain_where_safe(void **state)
{
	AUTO_FREE(document) root = build();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(document_write_yaml(root, &text, &err));
	assert_string_equal(text.data, "apiVersion: \"v1\"\n"
				       "preferences: {}\n"
				       "list:\n"
				       "- -42\n"
				       "- null\n"
				       "- []\n"
				       "- \"true\": \"tr\\\"ue\"\n"
				       "\"no one\": true\n");
}

static void long_text_stays_on_one_line(void **state)
{
	AUTO_TEXT words = repeat("some words ", 100);
	AUTO_TEXT expected = memory_format("- \"%s\"\n", words);
	AUTO_FREE(document) root = document_new_list();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	document_append(root, document_new_text(words));
	assert_true(document_write_yaml(root, &text, &err));
	assert_string_equal(text.data, expected);
}

static void putting_a_key_again_replaces_it_in_its_place(void **state)
{
	AUTO_FREE(document) root = build();
	AUTO_FREE(document) copy = document_copy(root);

	(void)state;
	document_put_text(root, "apiVersion", "v2");
	document_put_boolean(document_edit(root, "preferences"), "x", false);
	assert_int_equal(document_count(root), 4);
	assert_string_equal(document_key(root, 0), "apiVersion");
	assert_string_equal(document_text(document_at(root, 0)), "v2");
	assert_int_equal(document_count(document_find(root, "preferences")), 1);
	assert_null(document_edit(root, "absent"));
	assert_string_equal(document_text(document_at(copy, 0)), "v1");
}

/* Repeatable; Numerical Recipes' multiplier. */
static unsigned roll(uint64_t *dice, unsigned sides)
{
	*dice = *dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*dice >> 33) % sides;
}

static void add_rune(struct buffer *text, uint32_t rune)
{
	char bytes[4];
	size_t n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; rune >>= 6)
		bytes[i] = (char)(0x80 | (rune & 0x3f));
	bytes[0] = (char)(leads[n] | rune);
	buffer_add(text, bytes, n);
}

static char *random_text(uint64_t *dice)
{
	static const char *const words[] = {"true", "1e3", "~", "- ", ": ",
		" #", "\"", "'", "\\", "\n", "\r\n", "\t", "  ", "{", "]", "&a",
		"*a", "!", "%", "@", "`", "<<", "0x1f", "---", "\n...\n", "|",
		"2026-11-24", "key", "a very long word indeed ", "\x7f",
		"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf",
		"\xef\xbf\xbe", "\xef\xbf\xbf", "\xc2\xa0", "\xf0\x9f\x98\x80"};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	unsigned n = roll(dice, 50) == 0 ? 2000 : roll(dice, 12);

	for (unsigned i = 0; i < n; i++) {
		uint32_t rune = 1 + roll(dice, roll(dice, 2) ? 0x10ffff : 0xff);

		if (roll(dice, 2))
			buffer_add_text(
				&text, words[roll(dice, ARRAY_SIZE(words))]);
		else if (rune < 0xd800 || rune > 0xdfff)
			add_rune(&text, rune);
	}
	return buffer_detach(&text);
}

static struct document *random_tree(uint64_t *dice, unsigned depth)
{
	struct document *node;
	AUTO_TEXT text = random_text(dice);
	unsigned sides = depth < 5 ? 7 : 5;

	switch (roll(dice, sides)) {
	case 0:
		return document_new_integer((int64_t)roll(dice, 1000) - 500);
	case 1:
		return document_new_boolean(roll(dice, 2));
	case 2:
		return document_new_null();
	case 5:
		node = document_new_map();
		for (unsigned i = roll(dice, 5); i > 0; i--) {
			AUTO_TEXT key = random_text(dice);

			document_put(node, key, random_tree(dice, depth + 1));
		}
		return node;
	case 6:
		node = document_new_list();
		for (unsigned i = roll(dice, 5); i > 0; i--)
			document_append(node, random_tree(dice, depth + 1));
		return node;
	}
	return document_new_text(text);
}

static void what_is_written_is_read_back_the_same(void **state)
{
	uint64_t dice = 1;

	(void)state;
	for (unsigned i = 0; i < 1500; i++) {
		AUTO_FREE(document) tree = document_new_map();
		AUTO_FREE(document) again = NULL;
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		document_put(tree, "tree", random_tree(&dice, 0));
		assert_true(document_write_yaml(tree, &text, &err));
		if (!read_bytes(text.data, text.len, &again, &err))
			fail_msg("%u: %s\n%s", i, err.message, text.data);
		assert_same(tree, again);
	}
}

static void a_quoted_text_reads_as_itself(void **state)
{
	uint64_t dice = 2;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		AUTO_TEXT text = random_text(&dice);
		AUTO_RELEASE(buffer) quoted = BUFFER_INIT;
		AUTO_FREE(document) root = NULL;

		document_quote(text, &quoted);
		root = read_good(quoted.data);
		assert_string_equal(document_text(root), text);
	}
}

static void quoting_escapes_what_is_not_plain_to_see(void **state)
{
	static const struct {
		const char *text, *quoted;
	} rows[] = {
		{"", "\"\""},
		{"a/b", "\"a/b\""},
		{"\"\\", "\"\\\"\\\\\""},
		{"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
		{"\x01\x1b\x7f", "\"\\u0001\\u001b\\u007f\""},
		{"\xc2\x85\xc2\xa0", "\"\\u0085\xc2\xa0\""},
		{"\xe2\x80\xa8\xef\xbb\xbf", "\"\\u2028\\ufeff\""},
		{"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
		{"a\xff"
		 "b",
			"\"a\xef\xbf\xbd"
			"b\""},
		{"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xe2\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) quoted = BUFFER_INIT;

		document_quote(rows[i].text, &quoted);
		assert_string_equal(quoted.data, rows[i].quoted);
	}
}

static void text_that_is_not_utf8_is_not_written(void **state)
{
	AUTO_FREE(document) root = document_new_map();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	document_put_text(root, "good", "good");
	document_put_text(root, "bad", "\xff");
	assert_false(document_write_yaml(root, &text, &err));
	assert_error(&err, "text is not UTF-8");
	assert_int_equal(text.len, 0);
}

/* -- several documents -- */

static bool read_all(
	const char *text, struct document **ret_list, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("a.yaml", text, strlen(text));

	return document_read_yaml_all(source, ret_list, err);
}

static void each_document_of_a_stream_is_read_and_empty_ones_are_not(
	void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(document) list = NULL;

	(void)state;
	assert_true(read_all("---\n"
			     "# what is above the first\n"
			     "---\n"
			     "a: 1\n"
			     "---\n"
			     "---\n"
			     "- \"b\"\n"
			     "...\n"
			     "---\n"
			     "null\n"
			     "---\n",
		&list, &err));
	assert_int_equal(document_kind(list), DOCUMENT_LIST);
	assert_int_equal(document_count(list), 3);
	assert_int_equal(document_line(document_at(list, 0)), 4);
	assert_int_equal(document_line(document_at(list, 1)), 7);
	assert_true(document_write_yaml_all(list, &text, &err));
	assert_string_equal(text.data, "a: 1\n---\n- \"b\"\n---\nnull\n");
}

static void a_stream_is_as_strict_in_its_last_document(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "a.yaml:1: no document in it"},
		{"---\n---\n", "a.yaml:3: no document in it"},
		{"a: 1\n---\nb: 1\nb: 2\n",
			"a.yaml:4: key \"b\": stands twice"},
		{"a: &x 1\n---\nb: *x\n",
			"a.yaml:1: an anchor (&) is not allowed"},
		{"a: 1\n...\n%TAG ! tag:example.org,2026:\n---\nb: 1\n",
			"a.yaml:3: a %TAG directive is not allowed"},
		{"a: 1\n---\nb: [\n",
			"a.yaml:4: not YAML: did not find expected node "
			"content while parsing a flow node"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct document *list = NULL;

		assert_false(read_all(rows[i].text, &list, &err));
		assert_null(list);
		assert_error(&err, rows[i].message);
	}
}

static void the_bounds_are_those_of_the_whole_stream(void **state)
{
	AUTO_TEXT text = repeat("--- []\n", (1 << 20) + 1);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct document *list = NULL;

	(void)state;
	assert_false(read_all(text, &list, &err));
	assert_error(
		&err, "a.yaml:1048577: more than 1048576 nodes in one tree");
}

static void a_stream_with_one_bad_document_is_not_written(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(document) list = document_new_list();

	(void)state;
	document_append(list, document_new_text("good"));
	document_append(list, document_new_text("\xff"));
	assert_false(document_write_yaml_all(list, &text, &err));
	assert_error(&err, "text is not UTF-8");
	assert_int_equal(text.len, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			plain_scalars_are_what_all_readers_take_them_for),
		cmocka_unit_test(quotes_and_blocks_make_text),
		cmocka_unit_test(every_node_knows_its_line),
		cmocka_unit_test(what_is_not_strict_is_refused_with_its_line),
		cmocka_unit_test(
			the_line_of_a_bad_byte_is_right_far_into_the_file),
		cmocka_unit_test(depth_is_bounded_while_scanning),
		cmocka_unit_test(sixty_four_deep_is_allowed),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(large_maps_are_checked_for_duplicates_quickly),
		cmocka_unit_test(what_cannot_be_read_is_said_once),
		cmocka_unit_test(output_of_kubectl_is_readable),
		cmocka_unit_test(items_are_handed_on_and_the_rest_is_kept),
		cmocka_unit_test(items_are_held_to_the_same_rules),
		cmocka_unit_test(an_item_can_stop_the_reading),
		cmocka_unit_test(what_is_no_list_stays_in_the_rest),
		cmocka_unit_test(memory_does_not_grow_with_the_items),
		cmocka_unit_test(chains_of_look_ups_need_one_check),
		cmocka_unit_test(other_kinds_are_refused_with_their_value),
		cmocka_unit_test(unknown_keys_are_refused_with_the_nearest),
		cmocka_unit_test(api_version_and_kind_are_exact),
		cmocka_unit_test(text_is_quoted_and_keys_are_plain_where_safe),
		cmocka_unit_test(long_text_stays_on_one_line),
		cmocka_unit_test(putting_a_key_again_replaces_it_in_its_place),
		cmocka_unit_test(what_is_written_is_read_back_the_same),
		cmocka_unit_test(a_quoted_text_reads_as_itself),
		cmocka_unit_test(quoting_escapes_what_is_not_plain_to_see),
		cmocka_unit_test(text_that_is_not_utf8_is_not_written),
		cmocka_unit_test(
			each_document_of_a_stream_is_read_and_empty_ones_are_not),
		cmocka_unit_test(a_stream_is_as_strict_in_its_last_document),
		cmocka_unit_test(the_bounds_are_those_of_the_whole_stream),
		cmocka_unit_test(a_stream_with_one_bad_document_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
