// One account's page: how it stands, and where on the page everything else about it is.

import { contributions } from "./contributions.js";
import { html } from "./dom.js";
import { journey } from "./journey.js";
import { timeline } from "./timeline.js";
import { band, count, day, exact, human, number, sentence, signed, when } from "./words.js";
import { ctas, escalations, executions, risk } from "./work.js";

export function sources(id) {
  const account = `accounts/${encodeURIComponent(id)}`;
  const about = `account=${encodeURIComponent(id)}`;
  return [
    { name: "health", path: `${account}/health`, seconds: 15 },
    { name: "timeline", path: `${account}/timeline`, seconds: 30, list: "entries" },
    { name: "past", path: `${account}/health/history`, seconds: 300, list: "entries" },
    { name: "forecast", path: `${account}/forecast`, seconds: 600 },
    { name: "risk", path: `${account}/risk`, seconds: 120 },
    { name: "escalations", path: `escalations/active?${about}`, seconds: 15, list: "escalations" },
    { name: "ctas", path: `ctas?status=open&${about}`, seconds: 30, list: "ctas" },
    { name: "executions", path: `executions?status=running&${about}`, seconds: 30, list: "executions" },
    { name: "live", path: "performance/live", seconds: 60 },
  ];
}

/** The page from what is known. `part` says of each source what to show, or why there is nothing. */
export function page(part, id, entries) {
  return [
    html("p", { class: "back" }, html("a", { href: "#/" }, "← Portfolio")),
    part("health", (health) => standing(health, nameOf(entries, id)), "standing", nameOf(entries, id)),
    part("past", (past) => journey(past, entries), "journey", "Score over time"),
    html(
      "div",
      { class: "columns" },
      html(
        "div",
        { class: "main-column" },
        part("health", contributions, "contributions", "What the score is made of"),
        part("timeline", timeline, "timeline", "What happened, and why"),
      ),
      html(
        "div",
        { class: "side-column" },
        part("risk", risk, "risk", "Risk and prospect"),
        part("escalations", escalations, "escalations", "Escalations"),
        part("ctas", ctas, "ctas", "Calls to action"),
        part("executions", executions, "executions", "Playbooks"),
      ),
    ),
  ];
}

export function title(entries, id) {
  const score = entries.health.data?.score;
  return `${nameOf(entries, id)}${score === undefined ? "" : ` · ${number(score)}`}`;
}

/** People's name of an account; its id where no list that was heard has it. */
export function nameOf(entries, id) {
  const live = entries.live.data;
  const named =
    live && [...live.falls, ...live.open_ctas, ...live.open_escalations].find(({ account }) => account === id);
  if (named) return named.name;
  const began = entries.timeline.data?.entries.find(
    ({ fact, text }) => fact === "AccountChanged" && text.endsWith(" became an account"),
  );
  return began ? began.text.slice(0, -" became an account".length) : id;
}

function standing(health, name) {
  const gone = health.score === undefined;
  const shown = gone ? health.computed : health.score;
  const told = [
    gone &&
      `Is no customer any more${health.blank_since ? ` since ${day(health.blank_since)}` : ""}; this is what it last was.`,
    health.summary && sentence(health.summary),
    ...health.caps.map(({ cap, at_most: most }) => `Held down to ${number(most)} by: ${human(cap).toLowerCase()}.`),
    ...health.overrides.map(
      (word) =>
        `${word.author} says ${word.subject} is ${word.points ?? band(word.band)} until ${day(word.expires_at)}: ${word.reason}.`,
    ),
    health.stale_since && `Some of it rests on data of ${day(health.stale_since)}.`,
  ].filter(Boolean);
  return html(
    "section",
    { id: "standing", class: "card standing-card", "aria-labelledby": "standing-title" },
    html(
      "div",
      { class: "score" },
      html("h2", { id: "standing-title" }, name),
      html(
        "p",
        { class: "big" },
        html("strong", {}, number(shown)),
        html(
          "span",
          { class: `chip ${health.band ?? "provisional"}` },
          health.provisional && !health.band ? band("provisional") : band(health.band),
        ),
      ),
    ),
    html(
      "div",
      { class: "told" },
      told.map((line) => html("p", {}, line)),
      html(
        "p",
        { class: "soft" },
        `${number(health.coverage_basis_points / 100, 0)} % of the scorecard has fresh data · confidence ${number(health.confidence_basis_points / 100, 0)} % · scored ${when(health.scored_at)} by ${health.scorecard}`,
      ),
    ),
    health.next_band && html("div", { class: "next" }, nextBand(health.next_band)),
  );
}

function nextBand(next) {
  const goal = html("h3", {}, `To be ${band(next.band).toLowerCase()}`);
  const said = {
    waiting: `The score is there; the band follows after ${count(next.runs_left ?? 1, "more scheduled run")}.`,
    provisional: "Too little is known for the band to move.",
    overridden: `A person's word holds it${next.until ? ` until ${day(next.until)}` : ""}.`,
    out_of_reach: "Even the best values of all that is known today would not do it.",
  }[next.status];
  const step = (one) =>
    html(
      "li",
      {},
      `${human(one.measure)} from ${exact(one.from)} to ${exact(one.to)} `,
      html("small", {}, `${one.unit} · ${signed(one.gain)} points`),
    );
  const steps = next.alone.length ? next.alone.slice(0, 3) : next.together;
  const how =
    next.alone.length > 1
      ? "Any one of these would do it:"
      : next.together.length > 1 && !next.alone.length
        ? "All of these together would do it:"
        : "This would do it:";
  return [
    goal,
    said && html("p", {}, said),
    steps.length > 0 && [html("p", {}, how), html("ul", { class: "steps" }, steps.map(step))],
  ];
}
