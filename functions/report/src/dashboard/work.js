// Who is at work on an account, what they are asked to do, and what to expect of it.

import { meter } from "./charts.js";
import { card, empty, html } from "./dom.js";
import { countdown, due } from "./moments.js";
import { day, human, number, sentence, signed } from "./words.js";

export function risk({ churn, expansion }) {
  return card(
    "risk",
    "Risk and prospect",
    undefined,
    html(
      "div",
      { class: "pair" },
      oneRisk("That it leaves", churn, "bad"),
      oneRisk("That it grows", expansion, "good"),
    ),
  );
}

function oneRisk(name, body, meaning) {
  const kind =
    meaning === "bad"
      ? { high: "emergency", raised: "at_risk", low: "healthy" }
      : { high: "champion", raised: "healthy", low: "provisional" };
  const largest = body.contributions.filter(({ adds }) => Number(adds) !== 0).slice(0, 4);
  return html(
    "div",
    {},
    html("h3", {}, name),
    html(
      "p",
      {},
      html(
        "span",
        { class: `chip ${kind[body.level] ?? "provisional"}` },
        body.level ? human(body.level) : "Not told yet",
      ),
      body.chance !== undefined && html("strong", {}, ` ${number(Number(body.chance) * 100, 0)} %`),
      body.abstains && body.basis === "model" && html("small", {}, " not sure enough to predict"),
    ),
    largest.length > 0 &&
      html(
        "ul",
        { class: "reasons" },
        largest.map(({ adds, text }) => html("li", {}, html("strong", {}, signed(adds, 2)), ` ${text}`)),
      ),
    html(
      "p",
      { class: "soft small" },
      body.basis === "model"
        ? `By a model${body.record ? ` of ${body.record.examples} accounts, AUC ${number(body.record.auc, 2)}` : ""}; parts are log-odds.`
        : sentence(`${body.because ?? "by the scorecard"}.`),
    ),
  );
}

export function escalations({ escalations: open }, entries, now) {
  const heading = ["Escalations", open.length || undefined];
  if (open.length === 0) return card("escalations", ...heading, empty("Nothing is escalated."));
  return card(
    "escalations",
    ...heading,
    html(
      "ul",
      { class: "lines" },
      open.map((one) =>
        html(
          "li",
          {},
          html(
            "div",
            { class: "split" },
            html("span", { class: `badge ${one.severity}` }, human(one.severity)),
            countdown(one.breach_at, now),
          ),
          html("p", {}, one.reason),
          html(
            "small",
            {},
            [
              human(one.role),
              one.by ? `${one.by} has it` : human(one.status),
              one.breach_probability_percent !== undefined &&
                `${number(one.breach_probability_percent, 0)} % likely to breach`,
            ]
              .filter(Boolean)
              .join(" · "),
          ),
        ),
      ),
    ),
  );
}

export function ctas({ ctas: open }, entries, now) {
  const heading = ["Calls to action", open.length || undefined];
  if (open.length === 0) return card("ctas", ...heading, empty("No call to action is open."));
  return card(
    "ctas",
    ...heading,
    html(
      "ul",
      { class: "lines" },
      open.map((one) =>
        html(
          "li",
          {},
          html("div", { class: "split" }, html("strong", {}, human(one.rule)), due(one.due_at, now)),
          html("p", {}, sentence(one.reason)),
          one.evidence.length > 0 &&
            html(
              "details",
              {},
              html("summary", {}, "What the rule saw"),
              html(
                "ul",
                { class: "reasons" },
                one.evidence.map((line) => html("li", {}, line)),
              ),
            ),
          html(
            "small",
            {},
            `${one.owner ?? "nobody has it yet"} · ${one.confidence_percent} % sure · since ${day(one.opened_at)}`,
          ),
        ),
      ),
    ),
  );
}

export function executions({ executions: running }) {
  const heading = ["Playbooks", running.length || undefined];
  if (running.length === 0) return card("executions", ...heading, empty("No playbook runs."));
  return card(
    "executions",
    ...heading,
    html(
      "ul",
      { class: "lines" },
      running.map((one) => {
        const done = one.completion_basis_points / 100;
        const next = one.steps.filter(({ state }) => state === "open");
        return html(
          "li",
          {},
          html("div", { class: "split" }, html("strong", {}, one.title), html("span", {}, `${number(done, 0)} %`)),
          meter(`${one.title} is ${number(done, 0)} percent done`, done, undefined, "healthy"),
          next
            .slice(0, 3)
            .map((step) =>
              html(
                "p",
                { class: step.late ? "over" : "" },
                `${step.title}${step.due_on ? `, due ${day(step.due_on)}` : ""}${step.late ? " (late)" : ""}`,
              ),
            ),
          one.stuck_on && html("small", { class: "over" }, "stands still"),
        );
      }),
    ),
  );
}
