// What the test's routes must make of a payload: said a second time, apart from the filters, in another language.

// Which destination the router's table picks.
export function destination(event, payload) {
  if (event === "push" && payload.ref.startsWith("refs/tags/")) return "releases";
  if (event === "issues" && ["opened", "reopened"].includes(payload.action)) return "chat";
  if (/^octo-org\/.*$/s.test(payload.repository?.full_name ?? "")) return "octo";
  if (payload.sender?.type === "Bot") return "bots";
  return "archive";
}

// The Slack message of a push or an issue; null for every other event, which must stay as it is.
export function message(event, payload) {
  if (event === "push") return push(payload);
  if (event === "issues") return issues(payload);
  return null;
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const firstLine = (text) => (text.split(/\r?\n/, 1)[0] ?? "").trim();
const link = (url, text) => `<${escape(url)}|${escape(text)}>`;
const section = (text) => ({ type: "section", text: { type: "mrkdwn", text } });
const context = (text) => ({ type: "context", elements: [{ type: "mrkdwn", text }] });

function push({ ref, created, deleted, forced, compare, commits, repository, pusher }) {
  const [, kind, name] = /^refs\/(heads|tags)\/(.*)$/s.exec(ref);
  const what = kind === "tags" ? "tag" : "branch";
  const count = `${commits.length} commit${commits.length === 1 ? "" : "s"}`;
  let done = `pushed ${count} to`;
  if (forced) done = `force-pushed ${count} to`;
  if (created && commits.length === 0) done = "created";
  if (deleted) done = "deleted";
  const lines = commits.map(
    (commit) => `${link(commit.url, commit.id.slice(0, 7))} ${escape(`${firstLine(commit.message)} – ${commit.author.name}`)}`,
  );
  return {
    text: escape(`${pusher.name} ${done} ${what} ${name} in ${repository.full_name}`),
    blocks: [
      section(`${escape(pusher.name)} ${link(compare, done)} ${what} \`${escape(name)}\``),
      ...(lines.length === 0 ? [] : [section(lines.join("\n"))]),
      context(link(repository.html_url, repository.full_name)),
    ],
  };
}

function issues({ action, issue, repository, sender }) {
  const done = action.replaceAll("_", " ");
  const title = `#${issue.number} ${firstLine(issue.title)}`;
  const labels = (issue.labels ?? []).map(({ name }) => ` · ${escape(name)}`).join("");
  return {
    text: escape(`${sender.login} ${done} issue ${title} in ${repository.full_name}`),
    blocks: [
      section(`${escape(sender.login)} ${done} issue ${link(issue.html_url, title)}`),
      ...(action === "opened" && issue.body ? [section(escape(issue.body))] : []),
      context(link(repository.html_url, repository.full_name) + labels),
    ],
  };
}
