// The dashboard: asks for GET performance/live every few seconds and shows it. Texts from the server are set as text,
// never as markup. The token lives in this tab only; the one-machine host hands it over in the fragment of the address.

const EVERY_MS = 5000;
const BANDS = { champion: "Champion", healthy: "Healthy", at_risk: "At risk", critical: "Critical", emergency: "Emergency", provisional: "Too little data", unscored: "Not scored yet" };
const byId = (id) => document.getElementById(id);

const fromFragment = new URLSearchParams(location.hash.slice(1)).get("token");
if (fromFragment) {
  sessionStorage.setItem("token", fromFragment);
  history.replaceState(null, "", location.pathname);
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function when(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function duration(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const parts = [[Math.floor(minutes / 1440), "d"], [Math.floor(minutes / 60) % 24, "h"], [minutes % 60, "min"]];
  const shown = parts.filter(([count]) => count > 0).slice(0, 2).map(([count, unit]) => `${count} ${unit}`).join(" ");
  return shown || "less than a minute";
}

function table(headings, rows, empty) {
  if (rows.length === 0) return element("p", empty, "soft");
  const made = element("table");
  const head = made.createTHead().insertRow();
  for (const heading of headings) {
    const cell = element("th", heading);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const cells of rows) {
    const row = body.insertRow();
    for (const cell of cells) {
      const data = row.insertCell();
      // A sentence may break, a name or a time may not.
      if (cell.length <= 24 || cell instanceof Node) data.className = "short";
      if (cell instanceof Node) data.append(cell);
      else data.textContent = cell;
    }
  }
  return made;
}

function showBands(live) {
  byId("bands").replaceChildren(...live.bands.map(({ band, accounts }) => {
    const item = element("li", undefined, band);
    item.append(element("strong", String(accounts)), BANDS[band] ?? band);
    return item;
  }));
}

function showFalls(live) {
  const items = live.falls.map((fall) => {
    const item = element("li", undefined, fall.band);
    const reasons = element("ul");
    reasons.append(...fall.reasons.slice(0, 3).map((reason) => element("li", reason)));
    item.append(element("strong", fall.name), ` ${Number(fall.score).toFixed(1)} · ${BANDS[fall.band] ?? fall.band} · `,
      element("span", `down ${Number(fall.fell).toFixed(1)} on ${when(fall.at)}`, "fell"), reasons);
    return item;
  });
  byId("falls").replaceChildren(...(items.length ? items : [element("li", "No score fell in the last 30 days.", "soft")]));
}

function showEscalations(live) {
  byId("escalation-count").textContent = String(live.open_escalation_count);
  const rows = live.open_escalations.map((open) => {
    const left = open.seconds_to_breach;
    const clock = left == null ? "no clock runs" : left < 0 ? element("span", `over by ${duration(left)}`, "late") : `in ${duration(left)}`;
    return [open.name, open.severity, open.status, open.role.replaceAll("_", " "), clock, open.reason];
  });
  byId("escalations").replaceChildren(table(["Account", "Severity", "Status", "Told", "Breach", "Why"], rows, "Nothing is escalated."));
}

function showCtas(live) {
  byId("cta-count").textContent = String(live.open_cta_count);
  const rows = live.open_ctas.map((cta) => [cta.name, cta.rule, cta.reason, cta.owner ?? "nobody yet", when(cta.due_at)]);
  byId("ctas").replaceChildren(table(["Account", "Rule", "Why", "Owner", "Due"], rows, "No call to action is open."));
}

function fail(message) {
  byId("error").textContent = message;
  byId("error").hidden = false;
}

async function refresh() {
  const token = sessionStorage.getItem("token");
  if (!token) {
    byId("sign-in").hidden = false;
    byId("as-of").textContent = "Sign in to see the portfolio.";
    return;
  }
  try {
    const answer = await fetch("performance/live", { headers: { authorization: `Bearer ${token}` } });
    const body = await answer.json();
    if (answer.status === 401) {
      sessionStorage.removeItem("token");
      byId("sign-in").hidden = false;
    }
    if (!answer.ok) return fail(`${body.title}: ${body.detail}`);
    byId("error").hidden = true;
    byId("as-of").textContent = `${body.accounts} accounts as of ${when(body.as_of)}`;
    for (const show of [showBands, showEscalations, showFalls, showCtas]) show(body);
  } catch {
    fail("The service does not answer. What is shown is the last that was heard; trying again every few seconds.");
  }
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value.trim());
  byId("sign-in").hidden = true;
  refresh();
});

refresh();
setInterval(refresh, EVERY_MS);
