// Lets GitLab's webhooks through that carry the right token, says which project each is about, and takes the token off.
//
// filter.h is made of the interface by wit-bindgen; build.py does that. Who frees what: the caller of handle gave away
// `head`, so it is freed here; everything in a verdict or an error text is handed over and must come from malloc
// (filter_string_dup); arguments of the host's functions stay ours, so they may point to literals (filter_string_set).
#include "filter.h"

#include <stdlib.h>
#include <string.h>

typedef snaphook_filter_types_edit_t edit_t;
typedef snaphook_filter_types_head_t head_t;
typedef snaphook_filter_types_verdict_t verdict_t;

static const char TOKEN_HEADER[] = "x-gitlab-token";

// A string that points to a literal; for arguments of the host's functions only.
static filter_string_t text(const char *literal) {
  filter_string_t string;
  filter_string_set(&string, literal);
  return string;
}

// A string of its own, for what is handed over.
static filter_string_t copy(const char *literal) {
  filter_string_t string;
  filter_string_dup(&string, literal);
  return string;
}

// The first value of a header, or null. The host writes names in lower case. Belongs to the head.
static filter_list_u8_t *header(head_t *head, const char *name) {
  size_t length = strlen(name);
  for (size_t index = 0; index < head->headers.len; index++) {
    snaphook_filter_types_header_t *header = &head->headers.ptr[index];
    if (header->f0.len == length && memcmp(header->f0.ptr, name, length) == 0) return &header->f1;
  }
  return NULL;
}

// The sender sees the status, the event's record the reason.
static verdict_t reject(uint16_t status, const char *reason) {
  verdict_t verdict = {.tag = SNAPHOOK_FILTER_TYPES_VERDICT_REJECT};
  verdict.val.reject = (snaphook_filter_types_rejection_t){.status = status, .reason = copy(reason)};
  return verdict;
}

// Takes the token off, and names the project if there is one: `project` is handed over.
static verdict_t pass_on(filter_option_string_t project) {
  size_t count = project.is_some ? 2 : 1;
  edit_t *edits = calloc(count, sizeof *edits);
  if (edits == NULL) abort();
  edits[0].tag = SNAPHOOK_FILTER_TYPES_EDIT_REMOVE_HEADER;
  edits[0].val.remove_header = copy(TOKEN_HEADER);
  if (project.is_some) {
    edits[1].tag = SNAPHOOK_FILTER_TYPES_EDIT_SET_HEADER;
    edits[1].val.set_header.f0 = copy("x-gitlab-project");
    edits[1].val.set_header.f1 = (filter_list_u8_t){project.val.ptr, project.val.len};
  }
  verdict_t verdict = {.tag = SNAPHOOK_FILTER_TYPES_VERDICT_EDIT};
  verdict.val.edit = (snaphook_filter_types_list_edit_t){edits, count};
  return verdict;
}

// False, with an error text, if the host could not say: that is a failure of the filter, not a verdict.
static bool judge(head_t *head, snaphook_filter_body_borrow_body_t body, verdict_t *verdict, filter_string_t *error) {
  filter_list_u8_t *token = header(head, TOKEN_HEADER);
  if (token == NULL) {
    *verdict = reject(401, "no x-gitlab-token");
    return true;
  }
  filter_string_t secret = text("token");
  bool equal = false;
  snaphook_filter_crypto_call_error_t trouble;
  if (!snaphook_filter_crypto_token_equal(&secret, token, &equal, &trouble)) {
    snaphook_filter_crypto_call_error_free(&trouble);
    *error = copy("the secret `token` cannot be used: grant it to the filter");
    return false;
  }
  if (!equal) {
    *verdict = reject(401, "x-gitlab-token is not the token");
    return true;
  }
  filter_string_t pointer = text("/project/path_with_namespace");
  filter_option_string_t project;
  if (!snaphook_filter_body_method_body_text(body, &pointer, &project, &trouble)) {
    snaphook_filter_body_call_error_free(&trouble);
    *verdict = reject(400, "the body is not JSON");
    return true;
  }
  *verdict = pass_on(project);
  return true;
}

bool exports_snaphook_filter_handler_handle(head_t *head, snaphook_filter_body_borrow_body_t body, verdict_t *verdict,
                                            filter_string_t *error) {
  bool judged = judge(head, body, verdict, error);
  snaphook_filter_types_head_free(head);
  return judged;
}

// The host has checked the configuration against the manifest's schema already: there is none, and nothing to prepare.
bool exports_snaphook_filter_handler_configure(filter_string_t *configuration, filter_list_u8_t *prepared,
                                               filter_string_t *error) {
  (void)error;
  filter_string_free(configuration);
  *prepared = (filter_list_u8_t){NULL, 0};
  return true;
}
