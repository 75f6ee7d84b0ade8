/* Declarations: manifests. */
#include "ops/decl/common.h"

WRITE_RESULT_TABLES;

#define TEXT_MOST (1024 * 1024)

#define OVERWRITE(T)                                                                               \
	FIELD(T, overwrite, .max = 256,                                                            \
	      .doc = "Ids of DNS records that adit did not make and may overwrite where they "     \
		     "stand in the way; needs approval.")

static const char *const tags[] = {"plan", NULL};

const struct op *op_manifest_apply(void)
{
	static const struct field args[] =
	{ FIELD(struct manifest_apply_args, text, .flags = FIELD_REQUIRED | ARG_FILE,
		.max = TEXT_MOST,
		.doc = "The manifest as YAML or JSON: its name, tunnels with routes, records."),
	  FIELD(struct manifest_apply_args, file, .fallback = "manifest", .max = 255,
		.flags = ARG_FILE_NAME, .doc = "What to call the document in sentences."),
	  FIELD(struct manifest_apply_args, name, .max = 64,
		.doc = "Name of the manifest, where the document does not say it."),
	  FIELD(struct manifest_apply_args, prune,
		.doc = "Delete what the manifest of this name made and the document does "
		       "not name; absent = leave it alone and list it."),
	  OVERWRITE(struct manifest_apply_args),
	  WRITE_FIELDS(struct manifest_apply_args),
	  FIELDS_END,
	};
	static const struct op op = {
		.name = "manifest_apply",
		.title = "Make it so, from a file",
		.doc = "Make tunnels, routes and DNS records as a document says, all by one plan. "
		       "The same document again changes nothing. What another manifest made is "
		       "refused; what was made by hand is taken into this one when it is named. "
		       "Nothing is deleted unless prune is given, and then only what the manifest "
		       "of the same name made, with approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_DESTROYS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct manifest_apply_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_manifest_export(void)
{
	static const struct field args[] = {
		FIELD(struct manifest_export_args, name, .max = 64,
		      .doc = "Only what the manifest of this name made; absent = everything."),
		FIELD(struct manifest_export_args, tunnel, .max = 64,
		      .doc = "Only this tunnel and its routes, by name or id."),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("text", FIELD_STRING, .doc = "The manifest as YAML."),
		FIELD_OUT("objects", FIELD_INT, .doc = "How many objects stand in it."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "manifest_export",
		.title = "Write what is wanted as a manifest",
		.doc = "What is wanted, as a document for manifest_apply: applied again it changes "
		       "nothing. The same state gives the same text.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct manifest_export_args),
		.result = result,
	};
	return &op;
}

const struct op *op_manifest_import(void)
{
	static const struct field args[] = {
		FIELD(struct manifest_import_args, text, .flags = FIELD_REQUIRED | ARG_FILE,
		      .max = TEXT_MOST, .doc = "A configuration file of cloudflared (config.yml)."),
		FIELD(struct manifest_import_args, file, .fallback = "config.yml", .max = 255,
		      .flags = ARG_FILE_NAME, .doc = "What to call the file in sentences."),
		FIELD(struct manifest_import_args, tunnel, .max = 64,
		      .doc = "Tunnel to go through, by name or id; the default is the file's, "
			     "where adit keeps it, else this host's own."),
		FIELD(struct manifest_import_args, name, .max = 64,
		      .doc = "Manifest that the routes belong to; absent = none, as if set by "
			     "hand."),
		FIELD(struct manifest_import_args, dns, .fallback = "true",
		      .doc = "Make and keep the routes' DNS records as well."),
		OVERWRITE(struct manifest_import_args),
		WRITE_FIELDS(struct manifest_import_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "manifest_import",
		.title = "Take over cloudflared's config.yml",
		.doc = "Make routes of the rules in a configuration file of cloudflared. What "
		       "routes cannot say is listed as left alone; where rules would be tried in "
		       "another order than in the file, that is a warning. The file's connector "
		       "is not stopped.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct manifest_import_args),
		.result = write_result,
	};
	return &op;
}
