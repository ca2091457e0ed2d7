# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the table of kube/manifest.h out of templates: awk -f embed.awk FILE...

function literal(line,    i, byte, text) {
	for (i = 1; i <= length(line); i++) {
		byte = substr(line, i, 1)
		text = text (byte == "\\" || byte == "\"" ? "\\" : "") byte
	}
	return "\"" text "\\n\""
}

BEGIN {
	print "/* Made by templates/embed.awk. */"
	print "#include \"kube/manifest.h\"\n"
	print "const struct manifest_template manifest_templates[] = {"
}

FNR == 1 {
	name = FILENAME
	sub(/^.*\//, "", name)
	sub(/\.yaml$/, "", name)
	print (NR > 1 ? "\t},\n" : "") "\t{\"" name "\","
}

{ print "\t\t" literal($0) }

END { print (NR > 0 ? "\t},\n" : "") "\t{NULL, NULL},\n};" }
