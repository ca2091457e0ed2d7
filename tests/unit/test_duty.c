/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "base/memory.h"
#include "verify/duty.h"

/* -- every file of a host that kpki-files(7) has, in both layouts -- */

struct row {
	char mode[8], path[128], holds[64];
};

/* ".It 0644 Ta root Ta Pa etc/kubernetes/pki/ca.crt Ta ca; with …" */
static bool read_row(const char *line, struct row *row)
{
	row->holds[0] = '\0';
	return sscanf(line, ".It %7s Ta %*s Ta Pa %127s Ta %63[^;\n]", row->mode,
		       row->path, row->holds) >= 2;
}

/* What stands in the column Holds, where it is not the duty's own name. */
static const struct {
	const char *holds, *duty;
} words[] = {
	{"client", "kubelet-client"},
	{"serving", "kubelet-serving"},
	{"the key of service accounts", "service-account"},
	{"the key of service accounts, its public half", "service-account"},
	{"ca, and a token", "bootstrap"},
	{"kube-proxy, and ca", "kube-proxy"},
};

/* "ca" is what stands in a kubeconfig that names its pair by path. */
static const char *duty_meant(const struct row *row, const char *before)
{
	if (strcmp(row->holds, "the same in the layout pem") == 0)
		return before;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(row->holds, words[i].holds) == 0)
			return words[i].duty;
	if (text_ends(row->path, "/kubelet.conf") ||
		text_ends(row->path, "/kubeconfig"))
		return "kubelet-client";
	return duty_find(row->holds)->name;
}

static void put(char *path, const char *word, const char *value)
{
	char *at = strstr(path, word);

	if (at) {
		AUTO_TEXT rest = memory_text(at + strlen(word));

		sprintf(at, "%s%s", value, rest);
	}
}

static void check_row(struct row *row, const char **before)
{
	const struct duty *duty;

	put(row->path, "NAME", "worker-1");
	put(row->path, "TIME", "2026-11-24-01-14-59");
	duty = duty_of_path(row->path);
	if (!duty)
		fail_msg("%s: has no duty", row->path);
	*before = duty_meant(row, *before);
	if (strcmp(duty->name, *before) != 0)
		fail_msg("%s: is for %s", row->path, duty->name);
}

static void every_file_of_a_host_has_its_duty(void **state)
{
	AUTO_TEXT path = memory_format(
		"%s/man/kpki-files.7", getenv("top_srcdir"));
	FILE *page = fopen(path, "r");
	const char *before = NULL;
	bool here = false;
	unsigned n = 0;
	char line[512];

	(void)state;
	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		struct row row;

		if (text_begins(line, ".Sh "))
			here = text_begins(line, ".Sh A NODE BUNDLE") ||
			       text_begins(line, ".Sh A CONTROL-PLANE HOST");
		if (!here || !read_row(line, &row) || !*row.holds ||
			strcmp(row.holds, "-") == 0)
			continue;
		check_row(&row, &before);
		n++;
	}
	fclose(page);
	assert_true(n > 60);
}

/* -- names of others -- */

static void others_have_names_of_their_own(void **state)
{
	static const struct {
		const char *path, *duty;
	} cases[] = {
		{"etc/kubernetes/pki/apiserver.crt", "kube-apiserver"},
		{"pki/apiserver.key", "kube-apiserver"},
		{"var/lib/rancher/k3s/server/tls/client-ca.key", "client-ca"},
		{"var/lib/rancher/k3s/agent/client-kubelet.crt",
			"kubelet-client"},
		{"var/lib/kubelet/worker-0-key.pem", "kubelet-serving"},
		{"var/lib/kubernetes/kubernetes-key.pem", "kube-apiserver"},
		{"var/lib/kubelet/config.yaml", NULL},
		{"var/lib/kubelet/pki/worker-0.pem", NULL},
		{"etcd/server.pem", NULL},
		{"not-pki/ca.crt", NULL},
		{"ca.crt", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct duty *duty = duty_of_path(cases[i].path);

		if (!duty != !cases[i].duty ||
			(duty && strcmp(duty->name, cases[i].duty) != 0))
			fail_msg("%s: is for %s", cases[i].path,
				duty ? duty->name : "nothing");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_of_a_host_has_its_duty),
		cmocka_unit_test(others_have_names_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
