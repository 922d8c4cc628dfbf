/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The first line of a file without its end, as a JSON text; null when there is none. */
static json_t *first_line(const char *path)
{
	char line[128] = "";
	FILE *file = fopen(path, "re");

	if (!file) {
		return json_null();
	}
	if (!fgets(line, sizeof(line), file)) {
		line[0] = '\0';
	}
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line[0] ? json_string(line) : json_null();
}

static json_t *cpu_model(void)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");
	json_t *model = NULL;

	while (file && !model && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", strlen("model name")) == 0) {
			const char *value = strchr(line, ':');

			line[strcspn(line, "\n")] = '\0';
			model = value ? json_string(value + 1 + strspn(value + 1, " ")) : NULL;
		}
	}
	if (file) {
		fclose(file);
	}
	return model ? model : json_null();
}

json_t *machine_describe(void)
{
	struct utsname name;
	json_t *machine = json_object();

	if (uname(&name) == 0) {
		json_object_set_new(machine, "kernel", json_string(name.release));
		json_object_set_new(machine, "architecture", json_string(name.machine));
	}
	json_object_set_new(machine, "cpu", cpu_model());
	json_object_set_new(machine, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_set_new(machine, "clocksource",
	        first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
	return machine;
}
