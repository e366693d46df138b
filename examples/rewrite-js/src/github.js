// What is read of GitHub's events, and the messages that are made of it. Source:
// https://docs.github.com/en/webhooks/webhook-events-and-payloads

import { schema } from "snaphook-sdk";

import { Markup, Message, oneLine } from "./slack.js";

const person = schema.part({ name: schema.string() });
const repository = schema.part({ full_name: schema.string(), html_url: schema.string() });

export const push = schema.part({
  ref: schema.string(),
  created: schema.boolean(),
  deleted: schema.boolean(),
  forced: schema.boolean(),
  compare: schema.string(),
  commits: schema.array(
    schema.part({ id: schema.string(), message: schema.string(), url: schema.string(), author: person }),
  ),
  repository,
  pusher: person,
});

export const issues = schema.part({
  action: schema.string(),
  issue: schema.part({
    number: schema.integer({ min: 0 }),
    title: schema.string(),
    html_url: schema.string(),
    body: schema.string().nullable().optional(),
    labels: schema.array(schema.part({ name: schema.string() })).nullable().optional(),
  }),
  repository,
  sender: schema.part({ login: schema.string() }),
});

/**
 * Who pushed what where, and a line for each commit.
 *
 * @param {schema.Infer<typeof push>} event
 */
export function pushMessage({ ref, created, deleted, forced, compare, commits, repository, pusher }) {
  const isTag = ref.startsWith("refs/tags/");
  const kind = isTag ? "tag" : "branch";
  const name = ref.replace(isTag ? /^refs\/tags\// : /^refs\/heads\//, "");
  const count = commits.length === 1 ? "1 commit" : `${commits.length} commits`;
  let done = `pushed ${count} to`;
  if (forced) done = `force-pushed ${count} to`;
  if (created && commits.length === 0) done = "created";
  if (deleted) done = "deleted";
  const summary = `${pusher.name} ${done} ${kind} ${name} in ${repository.full_name}`;
  return new Message(new Markup().plain(summary))
    .section(new Markup().plain(`${pusher.name} `).link(compare, done).plain(` ${kind} `).code(name))
    .lines(commits, ({ id, message, url, author }) =>
      new Markup().link(url, Array.from(id).slice(0, 7).join("")).plain(` ${oneLine(message)} – ${author.name}`),
    )
    .context(new Markup().link(repository.html_url, repository.full_name));
}

/**
 * What happened to which issue; what it says, when it is new.
 *
 * @param {schema.Infer<typeof issues>} event
 */
export function issueMessage({ action, issue, repository, sender }) {
  const title = `#${issue.number} ${oneLine(issue.title)}`;
  const done = action.replaceAll("_", " ");
  const context = new Markup().link(repository.html_url, repository.full_name);
  for (const { name } of issue.labels ?? []) context.plain(` · ${name}`);
  return new Message(new Markup().plain(`${sender.login} ${done} issue ${title} in ${repository.full_name}`))
    .section(new Markup().plain(`${sender.login} ${done} issue `).link(issue.html_url, title))
    .section(new Markup().plain(action === "opened" ? (issue.body ?? "") : ""))
    .context(context);
}
