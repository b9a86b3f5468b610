// What a score is made of: a bar of its dimensions, and below each the measures that it comes from.

import { bar, meter } from "./charts.js";
import { card, html, table } from "./dom.js";
import { count, exact, human, number } from "./words.js";

export function contributions(health) {
  const brought = health.dimensions.map(({ dimension, contribution }, place) => ({
    kind: `dimension-${place + 1}`,
    name: human(dimension),
    size: Number(contribution),
    value: number(contribution),
  }));
  const said = brought.map(({ name, value }) => `${name} ${value}`).join(", ");
  const rows = health.dimensions.map(({ dimension, weight_basis_points: weight, points, contribution }, place) => {
    const measures = health.measures.filter(({ dimension: of }) => of === dimension);
    return html(
      "li",
      {},
      html(
        "details",
        {},
        html(
          "summary",
          {},
          html(
            "span",
            { class: "split" },
            html("span", {}, html("span", { class: `swatch dimension-${place + 1}` }), human(dimension)),
            html(
              "span",
              {},
              html("strong", {}, number(contribution)),
              html("small", {}, ` of ${number(weight / 100, 0)}`),
            ),
          ),
          meter(
            `${human(dimension)}: ${points === undefined ? "nothing is known" : `${number(points)} of 100 points`}`,
            Number(points ?? 0),
            undefined,
            `dimension-${place + 1}`,
          ),
        ),
        table(
          `Measures of ${human(dimension).toLowerCase()}`,
          [
            ["Measure", ""],
            ["Value", "number"],
            ["Worth", "number"],
            ["Brings", "number"],
            ["Rests on", "short"],
          ],
          measures.map((measure) => [
            human(measure.measure),
            measure.value === undefined ? "—" : [exact(measure.value), html("small", {}, ` ${measure.unit}`)],
            measure.points === undefined ? "—" : number(measure.points),
            number(measure.contribution, 2),
            [
              basis(measure.state),
              measure.age_days !== undefined &&
                html("small", {}, measure.age_days === 0 ? " of today" : ` ${count(measure.age_days, "day")} old`),
            ],
          ]),
        ),
      ),
    );
  });
  return card(
    "contributions",
    "What the score is made of",
    `${number(health.uncapped, 2)} in all`,
    bar(
      `What each dimension brings to the score: ${said}`,
      brought.map((one) => ({ ...one, name: `${one.name}: ${one.value}` })),
      100,
    ),
    html("ul", { class: "dimensions" }, rows),
  );
}

function basis(state) {
  return (
    {
      present: "fresh data",
      held: "held value",
      neutral: "no data: neutral",
      penalised: "no data: counts against",
      excluded: "no data: left out",
      not_applicable: "does not apply",
      overridden: "a person's word",
    }[state] ?? human(state)
  );
}
