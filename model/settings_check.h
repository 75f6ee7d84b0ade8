/* What a setting's text must look like beyond its type: one check a form, each with a sentence that
 * says what is wrong and what is accepted. For the settings' table alone. */
#ifndef MODEL_SETTINGS_CHECK_H
#define MODEL_SETTINGS_CHECK_H

#include "base/err.h"

/* Is it the name of an owner? */
bool owner_form(const char *s, size_t len);
int check_owner(const char *value, struct err *e);
int check_path(const char *value, struct err *e);
int check_account_name(const char *value, struct err *e); /* of a Unix group or user */
int check_account_id(const char *value, struct err *e);
int check_base_url(const char *value, struct err *e);
int check_edge_url(const char *value, struct err *e);
int check_budget(const char *value, struct err *e);
int check_protect(const char *value, struct err *e);
int check_allowed_service(const char *value, struct err *e);
int check_listen(const char *value, struct err *e);

#endif
