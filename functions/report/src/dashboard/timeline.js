// What was decided about an account, day by day, and why.

import { card, empty, html } from "./dom.js";
import { MARKED } from "./journey.js";
import { clock, count, day, human, sentence } from "./words.js";

/** What comes with every day's business: folded, for the decisions are what is looked for. */
const ROUTINE = new Set([
  "AccountChanged",
  "CaseChanged",
  "CaseOpened",
  "DataQualityChanged",
  "EscalationAdvanced",
  "RecordsQuarantined",
  "SourceSilent",
]);

const DAYS_SHOWN = 8;

export function timeline({ entries }) {
  if (entries.length === 0)
    return card("timeline", "What happened, and why", undefined, empty("Nothing has happened yet."));
  const days = new Map();
  for (const entry of entries) days.set(entry.at.slice(0, 10), [...(days.get(entry.at.slice(0, 10)) ?? []), entry]);
  const items = [...days].map(([on, of]) => {
    const routine = of.filter(({ fact }) => ROUTINE.has(fact));
    const decisions = of.filter(({ fact }) => !ROUTINE.has(fact));
    return html(
      "li",
      {},
      html("h3", {}, html("time", { datetime: on }, day(on))),
      decisions.length > 0 && lines(decisions),
      routine.length > 0 &&
        html("details", {}, html("summary", {}, `${count(routine.length, "piece")} of news`), lines(routine)),
    );
  });
  const rest = items.slice(DAYS_SHOWN);
  return card(
    "timeline",
    "What happened, and why",
    "the latest first",
    html("ol", { class: "timeline" }, items.slice(0, DAYS_SHOWN)),
    rest.length > 0 &&
      html(
        "details",
        {},
        html("summary", {}, `${count(rest.length, "earlier day")}`),
        html("ol", { class: "timeline" }, rest),
      ),
  );
}

/** `CtaOpened` as people would say it. */
function said(fact) {
  return human(
    fact
      .replaceAll(/(?<=.)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
      .replace(/^Cta/, "Call to action")
      .replace(/^Sla/, "Target"),
  );
}

function lines(some) {
  return html(
    "ul",
    {},
    some.map(({ at, fact, text }) =>
      html(
        "li",
        { class: MARKED[fact] ?? "" },
        html("time", { datetime: at, class: "small soft" }, clock(at)),
        html("p", {}, html("strong", {}, said(fact)), html("span", { class: "soft" }, ` ${sentence(text)}`)),
      ),
    ),
  );
}
